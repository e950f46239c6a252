"""The session of `requests` of one thread: what of its defaults this client changes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar

from ..settings import HttpOptions
from .sending import mount_send_timeout
from .user_agent import USER_AGENT


class NoCookies(RequestsCookieJar):
    """A jar that stays empty."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Leave the cookies of a response where they are."""


class PrivateSession(requests.Session):
    """A session that keeps its own headers, which may be secret, from other hosts.

    Parameters
    ----------
    options
        The headers of every request, and the timeout of sending.
    """

    def __init__(self, options: HttpOptions) -> None:
        super().__init__()
        self._own_headers = dict(options.headers)
        self._environment: dict[tuple[str, ...], Any] = {}
        mount_send_timeout(self, options.read_timeout)
        # A callable that adds nothing: without one, requests would replace the Authorization
        # header by what a .netrc holds for the host.
        self.auth = lambda request: request
        self.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*", **self._own_headers})
        self.cookies = NoCookies()

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Remove headers before a redirect to another host, as for Authorization."""
        request = response.request
        if self.should_strip_auth(str(request.url), str(prepared_request.url)):
            for name in self._own_headers:
                prepared_request.headers.pop(name, None)
        super().rebuild_auth(prepared_request, response)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Read the environment (proxies, CA files) once per host: it is slow to search."""
        host = urlsplit(url)[:2]
        if host not in self._environment:
            self._environment[host] = super().merge_environment_settings(
                url, proxies, stream, verify, cert
            )
        return dict(self._environment[host])
