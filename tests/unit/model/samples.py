"""Templates as tests write them."""

from typing import Any

from hypothesis import strategies as st

from engine.model.templates import Template, template_from_dict


def step(name: str, *dependencies: str, **fields: Any) -> dict[str, Any]:
    own = {"name": name, "handler": {"callable": "handlers.Echo"}, "dependencies": list(dependencies)}
    return own | fields


def template_data(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "sample", "namespace_name": "example", "version": "1.0.0", "steps": list(steps)} | fields


def template(*steps: dict[str, Any], **fields: Any) -> Template:
    return template_from_dict(template_data(*steps, **fields))


@st.composite
def graphs(draw: st.DrawFn, max_steps: int = 12) -> dict[str, list[str]]:
    """Step → its dependencies: any graph without self dependencies, cyclic or not, in any order."""
    names = [f"s{number}" for number in range(draw(st.integers(1, max_steps)))]
    edges = {name: draw(st.sets(st.sampled_from(names), max_size=3)) - {name} for name in names}
    order = draw(st.permutations(names))
    return {name: sorted(edges[name]) for name in order}


@st.composite
def acyclic_graphs(draw: st.DrawFn, max_steps: int = 12) -> dict[str, list[str]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, max_steps)))]
    edges = {
        name: draw(st.sets(st.sampled_from(names[:number]), max_size=3)) if number else set()
        for number, name in enumerate(names)
    }
    order = draw(st.permutations(names))
    return {name: sorted(edges[name]) for name in order}


def has_cycle(graph: dict[str, list[str]]) -> bool:
    """Strip steps without open dependencies until none is left or none can go."""
    left = dict(graph)
    while True:
        free = [name for name, parents in left.items() if not left.keys() & set(parents)]
        if not free:
            return bool(left)
        for name in free:
            del left[name]
