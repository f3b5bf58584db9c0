"""The HTTP mixin against a real server (reference 7.2, API mixin status map)."""

import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.unit.workers.support import make_context, run
from workers import APIMixin, ApiResponse, StepHandler, api_handler, inputs


class Echo(BaseHTTPRequestHandler):
    """Answers with the status that the path ends in, and with what it was asked."""

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        seen = {
            "method": self.command,
            "path": self.path,
            "body": self.rfile.read(length).decode(),
            "key": self.headers.get("x-key"),
        }
        body = json.dumps(seen).encode()
        status = self.path.partition("?")[0].rpartition("/")[2]
        self.send_response(int(status) if status.isdigit() else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(url):
    class Bank(StepHandler, APIMixin):
        handler_name = "bank"
        base_url = url
        default_headers = {"x-key": "secret"}  # noqa: RUF012

        def call(self, context):
            return self.api_success(self.get("/rates"))

    made = Bank()
    yield made
    made.close()


def test_methods_and_bodies(api):
    assert api.get("/a", params={"q": 1}).body["path"] == "/a?q=1"
    assert api.get("/a").body["key"] == "secret"
    assert json.loads(api.post("/a", json={"n": 1}).body["body"]) == {"n": 1}
    assert api.put("/a", data={"n": "1"}).body["body"] == "n=1"
    assert api.patch("/a", json={}).body["method"] == "PATCH"
    assert api.delete("/a", headers={"x-key": "other"}).body["key"] == "other"
    assert api.request("GET", "/a", timeout=5).ok


def test_the_client_is_kept_and_made_again_after_close(api):
    first = api.client
    assert api.client is first
    api.close()
    assert api.client is not first
    assert api.get("/a").ok


@pytest.mark.parametrize(
    ("status", "error_type", "retryable"),
    [
        (400, "validation_error", False),
        (401, "authentication_error", False),
        (403, "authorization_error", False),
        (404, "not_found_error", False),
        (405, "permanent_error", False),
        (406, "permanent_error", False),
        (410, "not_found_error", False),
        (422, "validation_error", False),
        (408, "timeout", True),
        (429, "rate_limit_error", True),
        (500, "service_unavailable_error", True),
        (502, "service_unavailable_error", True),
        (503, "service_unavailable_error", True),
        (504, "timeout", True),
        (418, "permanent_error", False),
        (507, "retryable_error", True),
    ],
)
def test_what_a_status_means(api, status, error_type, retryable):
    response = api.get(f"/{status}")
    assert (response.ok, response.is_retryable) == (False, retryable)
    assert response.is_client_error is (status < 500)
    assert response.is_server_error is (status >= 500)
    failed = api.api_failure(response)
    assert (failed.error_type, failed.retryable, failed.error_code) == (
        error_type,
        retryable,
        f"HTTP_{status}",
    )
    assert failed.error_message.startswith(f"HTTP {status}")
    assert failed.metadata["status_code"] == status
    assert failed.metadata["response_body"]["path"] == f"/{status}"


def response_with(**headers):
    return ApiResponse(httpx.Response(429, headers={k.replace("_", "-"): v for k, v in headers.items()}))


def test_retry_after():
    assert response_with(retry_after="17").retry_after == 17
    soon = response_with(retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert 85 <= soon.retry_after <= 90
    assert response_with(retry_after="Wed, 21 Oct 2015 07:28:00 GMT").retry_after == 0
    assert response_with(retry_after="soon").retry_after is None
    assert response_with(retry_after="-5").retry_after is None
    assert response_with().retry_after is None


def test_a_failure_hands_the_wait_and_the_headers_on_but_no_secrets():
    response = response_with(retry_after="17", set_cookie="session=1")
    failed = APIMixin().api_failure(response, "the bank is busy")
    assert failed.error_message == "the bank is busy"
    assert failed.metadata["retry_after"] == 17
    assert failed.metadata["headers"]["retry-after"] == "17"
    assert "set-cookie" not in failed.metadata["headers"]
    permanent = ApiResponse(httpx.Response(404, headers={"retry-after": "3"}))
    assert "retry_after" not in APIMixin().api_failure(permanent).metadata


def test_bodies():
    html = ApiResponse(httpx.Response(500, html="<p>" + "x" * 10_000))
    assert len(APIMixin().api_failure(html).metadata["response_body"]) < 5000
    claimed = httpx.Response(200, headers={"content-type": "application/json"}, content=b"not json")
    assert ApiResponse(claimed).body == "not json"
    assert ApiResponse(httpx.Response(200), body={"given": 1}).to_dict()["body"] == {"given": 1}


def test_success():
    response = ApiResponse(httpx.Response(200, json={"rate": 2}))
    done = APIMixin().api_success(response)
    assert done.result == {"rate": 2}
    assert done.metadata["api_response"]["status_code"] == 200
    own = APIMixin().api_success(response, {"mine": 1}, include_response=False)
    assert (own.result, own.metadata) == ({"mine": 1}, {})
    listed = APIMixin().api_success(ApiResponse(httpx.Response(200, json=[1])))
    assert listed.result == {"body": [1]}


def test_what_could_not_be_sent_is_retryable(api):
    with pytest.raises(httpx.ConnectError) as refused:
        httpx.get("http://127.0.0.1:1/", timeout=5)
    failed = api.connection_error(refused.value, "asking the bank")
    assert (failed.error_type, failed.retryable) == ("network_error", True)
    assert failed.error_message.startswith("asking the bank: the connection failed: ")
    late = api.timeout_error(httpx.ReadTimeout(""))
    assert (late.error_type, late.retryable) == ("timeout", True)
    assert late.error_message == "no answer in time: ReadTimeout"


async def test_an_api_handler(url):
    @api_handler("rates", base_url=url, timeout=5, default_headers={"x-key": "k"})
    @inputs("currency")
    def rates(currency, api):
        return api.api_success(api.get("/rates", params={"c": currency}), include_response=False)

    done = await run(rates, make_context(input_data={"currency": "EUR"}))
    assert done.result == {"method": "GET", "path": "/rates?c=EUR", "body": "", "key": "k"}
