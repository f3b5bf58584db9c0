"""The JSON of the REST API as pydantic models; the names and types that existing clients parse strictly.

One module an area. What a worker answers on its own port has partly the same names and is in `worker`.
"""
