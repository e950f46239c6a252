"""HTTP client of one server: the blocking form of `RequestClient`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..auth.credentials import Credentials
from ..settings import HttpOptions
from .cache import Cache
from .operations import run
from .pickling import HandedOptions, reduce_shared
from .request_client import RequestClient
from .requests_transport import RequestsTransport
from .retries import RetryPolicy

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[RequestClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[HttpClient, P], R]:
    @wraps(method)
    def call(self: HttpClient, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(method(self.requests, *args, **kwargs))

    return call


class HttpClient:
    """The API of one server, used with the credentials of one principal. Thread-safe.

    Parameters
    ----------
    root
        URL of the API, without a trailing slash.
    api_key
        The API key, if the credentials are one.
    options
        Timeouts, and limits of requests.
    retries
        Limits for repeating requests.
    supports_idempotency
        Whether the server executes requests with the same idempotency key only once.
    cache
        Responses to reuse, if the server confirms that they are current.
    """

    def __init__(
        self,
        root: str,
        api_key: str | None = None,
        *,
        options: HttpOptions | None = None,
        retries: RetryPolicy | None = None,
        supports_idempotency: bool = False,
        cache: Cache | None = None,
    ) -> None:
        self.root = root
        self.options = options or HttpOptions()
        self.transport = RequestsTransport(self.options)
        self.requests = RequestClient(
            root,
            self.transport,
            api_key,
            options=self.options,
            retries=retries,
            supports_idempotency=supports_idempotency,
            cache=cache,
        )

    get = _blocking(RequestClient.get)
    download = _blocking(RequestClient.download)
    create = _blocking(RequestClient.create)
    post = _blocking(RequestClient.post)
    patch = _blocking(RequestClient.patch)
    put = _blocking(RequestClient.put)
    send = _blocking(RequestClient.send)
    delete = _blocking(RequestClient.delete)
    request = _blocking(RequestClient.request)

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return `function` of each item, computed by a few threads; raises the first error."""
        return self.transport.map_blocking(function, items)

    @property
    def credentials(self) -> Credentials:
        """The credentials of requests."""
        return self.requests.credentials

    @credentials.setter
    def credentials(self, credentials: Credentials) -> None:
        self.requests.credentials = credentials

    @property
    def retries(self) -> RetryPolicy:
        """Limits for repeating requests."""
        return self.requests.retries

    @retries.setter
    def retries(self, retries: RetryPolicy) -> None:
        self.requests.retries = retries

    @property
    def deadline(self) -> float | None:
        """Time of the monotonic clock at which requests are given up, retries included."""
        return self.requests.deadline

    @deadline.setter
    def deadline(self, deadline: float | None) -> None:
        self.requests.deadline = deadline

    @property
    def supports_idempotency(self) -> bool:
        """Whether the server executes requests with the same idempotency key only once."""
        return self.requests.supports_idempotency

    @property
    def cache(self) -> Cache | None:
        """Responses to reuse, if the server confirms that they are current."""
        return self.requests.cache

    def __reduce__(self) -> tuple[Any, ...]:
        handed = HandedOptions(self, self.options)
        state = (handed, self.retries, self.supports_idempotency, self.cache)
        return reduce_shared(self, _restore, self.root, self.credentials, *state)


def _restore(
    root: str,
    credentials: Credentials,
    handed: HandedOptions,
    retries: RetryPolicy,
    supports_idempotency: bool,
    cache: Cache | None,
) -> HttpClient:
    """Return a new client in the place of one that was pickled."""
    client = HttpClient(
        root,
        options=handed.options,
        retries=retries,
        supports_idempotency=supports_idempotency,
        cache=cache,
    )
    client.credentials = handed.take_over(client, credentials)
    return client
