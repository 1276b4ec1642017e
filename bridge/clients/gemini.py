"""Gemini behind the port `language_model`: one request as few calls as it takes, inside its budget, or a named trouble (C-28, C-47, F7).

A call that fails by the vendor's fault is tried again after a pause, the pause the vendor asks for if it does; an answer of another shape is sent
back once with what is wrong. Whatever happens is over at the deadline. Failures in a row open a circuit breaker for the purpose. The SDK is
imported at first use; prompts and answers are never logged. Read next: `gemini_answers`, `gemini_schema`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from loguru import logger
from pydantic import ValidationError

from ..domain.breaker import Breaker
from ..errors import InvalidInput, ModelUnavailable, Trouble
from ..language_model import BUDGET_SECONDS, M, ModelCall, ModelReply, ModelRequest, ModelUsage, Purpose
from ..wire import strict_json
from .gemini_answers import Answer, read, refusal, unavailable
from .gemini_schema import gemini_schema

if TYPE_CHECKING:
    import httpx
    from google.genai import Client

API_VERSION = "v1beta"
MAX_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
"""Before the second attempt; doubled for each further one, and up to half as much again by chance."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_ANSWER_CHARS = 200_000
"""More is not even looked at: reading it as JSON would hold the event loop up."""
MAX_PROBLEMS = 12
MAX_SENT_BACK = 8_000
"""Characters of a wrong answer that are shown to the model again."""
CLOSE_SECONDS = 5.0
RETRIED = frozenset({Trouble.OVERLOADED, Trouble.UNREACHABLE, Trouble.QUOTA})
COUNTED = frozenset({Trouble.OVERLOADED, Trouble.UNREACHABLE, Trouble.QUOTA, Trouble.TIMEOUT})
"""Troubles after which it is better to leave the vendor alone; the others are answers."""
REFUSED = frozenset({Trouble.UNAUTHORISED, Trouble.UNKNOWN_MODEL})
"""Troubles only an operator mends: told at once, and seldom asked again."""
REFUSED_PAUSE_SECONDS = 60.0
AGAIN = "Your answer does not fit:\n{problems}\nSend the whole answer again as JSON of the same shape, with this put right."

Ledger = Callable[[ModelCall], Awaitable[None]]


@dataclass(frozen=True)
class Sampling:
    """How one purpose is asked; None and "" leave a value to the model."""

    model: str
    max_tokens: int
    """Of answer and thinking together."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: str = ""
    """`minimal`, `low`, `medium` or `high`."""


@dataclass(frozen=True)
class GeminiOptions:
    """Everything to be set."""

    api_key: str = field(repr=False)
    base_url: str
    samplings: Mapping[Purpose, Sampling]
    trust_env: bool = True
    """Whether proxies of the environment are used; not for a stand-in on this machine."""


class Gemini:
    """The model. Close it; `ledger` hears of every request in the background."""

    def __init__(self, options: GeminiOptions, ledger: Ledger | None = None) -> None:
        self._options = options
        self._ledger = ledger
        self._breakers = {purpose: Breaker() for purpose in Purpose}
        self._troubles: dict[Purpose, Trouble] = {}
        """The newest that counted, by purpose."""
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._http: httpx.AsyncClient | None = None
        self._closed = False
        self._bookings: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Import and build everything, off the event loop; done at the first request otherwise."""
        async with self._opening:
            if self._closed:
                raise unavailable(Trouble.UNREACHABLE)
            if self._client is None:
                self._client, self._http = await asyncio.to_thread(_build, self._options)

    async def close(self) -> None:
        """Let bookings finish, within a bound, and close the connections; whoever asks afterwards is told that nobody is there."""
        self._closed = True
        if self._bookings:
            await asyncio.wait(self._bookings, timeout=CLOSE_SECONDS)
        if self._client is not None and self._http is not None:
            await self._client.aio.aclose()
            await self._http.aclose()
            self._client.close()
            self._client = self._http = None

    async def ask(self, request: ModelRequest[M]) -> ModelReply[M]:
        """A valid answer within the budget. Raises ModelUnavailable."""
        began = time.monotonic()
        breaker = self._breakers[request.purpose]
        if not breaker.admits(began):
            raise unavailable(Trouble.CIRCUIT_OPEN, retry_after=breaker.wait(began))
        exchange = _Exchange(self._options.samplings[request.purpose])
        outcome = "cancelled"
        try:
            value = await self._within(request, exchange)
        except ModelUnavailable as error:
            outcome = error.trouble.value
            if error.trouble in COUNTED | REFUSED:
                pause = REFUSED_PAUSE_SECONDS if error.trouble in REFUSED else error.retry_after_seconds
                breaker.failed(time.monotonic(), pause_seconds=pause)
                self._troubles[request.purpose] = error.trouble
            else:
                breaker.succeeded()
            raise
        else:
            outcome = "ok"
            breaker.succeeded()
            return ModelReply(value, exchange.usage(began))
        finally:
            if outcome == "cancelled":
                breaker.abandoned()
            self._report(request, outcome, exchange.usage(began))

    def troubled(self) -> Mapping[Purpose, Trouble]:
        """Purposes whose breaker is open, or was and nobody has asked since, and why; empty again with the first answer."""
        now = time.monotonic()
        return {purpose: self._troubles[purpose] for purpose, breaker in self._breakers.items() if breaker.troubled(now)}

    async def _within(self, request: ModelRequest[M], exchange: _Exchange) -> M:
        budget = BUDGET_SECONDS[request.purpose]
        seconds = budget if request.deadline_seconds is None else min(budget, request.deadline_seconds)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                await self.open()
                return await self._converse(request, exchange, deadline)
        except TimeoutError:
            raise unavailable(Trouble.TIMEOUT) from None

    async def _converse(self, request: ModelRequest[M], exchange: _Exchange, deadline: float) -> M:
        """Ask, and once more with what was wrong."""
        config = _config(request, exchange.sampling)
        turns = [("user", request.user)]
        for _ in range(2):
            answer = await self._generate(turns, config, exchange, deadline)
            if answer.refused:
                raise unavailable(Trouble.REFUSED_SAFETY)
            problems = [answer.problem]
            if not answer.problem:
                value, problems = parse(request.schema, answer.text)
                if value is not None:
                    return value
            again = AGAIN.format(problems="\n".join(f"- {problem}" for problem in problems))
            if answer.text:
                turns += [("model", answer.text[:MAX_SENT_BACK]), ("user", again)]
            else:  # Two turns of the user in a row are refused.
                turns = [("user", f"{request.user}\n\n{again}")]
        raise unavailable(Trouble.BAD_ANSWER)

    async def _generate(
        self, turns: list[tuple[str, str]], config: dict[str, Any], exchange: _Exchange, deadline: float
    ) -> Answer:
        """One answer, tried again while the trouble is the vendor's and there is time."""
        clock = asyncio.get_running_loop().time
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                answer = await self._once(turns, config, exchange, deadline - clock())
            except ModelUnavailable as error:
                pause = pause_before_next(error, attempt)
                if pause is None or clock() + pause >= deadline:
                    raise
                await asyncio.sleep(pause)
            else:
                exchange.add(answer)
                return answer
        raise AssertionError("the last attempt raises")

    async def _once(self, turns: list[tuple[str, str]], config: dict[str, Any], exchange: _Exchange, seconds: float) -> Answer:
        import httpx
        from google.genai import errors, types

        if self._client is None:
            raise unavailable(Trouble.UNREACHABLE)
        exchange.attempts += 1
        try:
            response = await self._client.aio.models.generate_content(
                model=exchange.sampling.model,
                contents=[types.Content(role=role, parts=[types.Part(text=text)]) for role, text in turns],
                config=types.GenerateContentConfig(
                    **config, http_options=types.HttpOptions(timeout=max(1, round(seconds * 1000)))
                ),
            )
            return read(response)
        except errors.APIError as error:
            headers = getattr(error.response, "headers", None)
            raise refusal(error.code or 0, error.details, headers if headers is not None else {}) from None
        except httpx.TimeoutException:
            raise unavailable(Trouble.TIMEOUT) from None
        except (httpx.HTTPError, httpx.StreamError):
            raise unavailable(Trouble.UNREACHABLE) from None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            # The SDK reads bodies trustingly: what is no JSON, or of another shape, comes out as any of these.
            raise unavailable(Trouble.OVERLOADED) from None
        except RuntimeError:  # Closed in the middle of it.
            raise unavailable(Trouble.UNREACHABLE) from None

    def _report(self, request: ModelRequest[M], outcome: str, usage: ModelUsage) -> None:
        logger.log(
            "INFO" if outcome in ("ok", "cancelled") else "WARNING",
            "Gemini {}: {} after {} ms, {} attempts, {} tokens in, {} out, {} thought",
            request.prompt, outcome, usage.ms, usage.attempts, usage.tokens_in, usage.tokens_out, usage.tokens_thought,
        )  # fmt: skip
        if self._ledger is None:
            return
        call = ModelCall(uuid4().hex, request.purpose, request.prompt, request.session_id, outcome, usage, datetime.now(UTC))
        # In the background: a booking that waits for the database must not hold up an answer in a live call.
        task = asyncio.get_running_loop().create_task(self._book(self._ledger, call))
        self._bookings.add(task)
        task.add_done_callback(self._bookings.discard)

    @staticmethod
    async def _book(ledger: Ledger, call: ModelCall) -> None:
        try:
            await ledger(call)
        except Exception:  # noqa: BLE001 - The task's top: a lost booking must not end the interview it is for.
            logger.opt(exception=True).error("A call of {} could not be booked", call.prompt)


class _Exchange:
    """One request under way, and what it has cost so far."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.attempts = 0
        self._spent = ModelUsage(sampling.model)

    def add(self, answer: Answer) -> None:
        """Count an answer, used or not."""
        self._spent = replace(
            self._spent,
            tokens_in=self._spent.tokens_in + answer.tokens_in,
            tokens_out=self._spent.tokens_out + answer.tokens_out,
            tokens_thought=self._spent.tokens_thought + answer.tokens_thought,
        )

    def usage(self, began: float) -> ModelUsage:
        """The cost so far."""
        return replace(self._spent, ms=round((time.monotonic() - began) * 1000), attempts=self.attempts)


def pause_before_next(error: ModelUnavailable, attempt: int) -> float | None:
    """Seconds to wait before the next attempt, or None when another makes no sense."""
    if error.trouble not in RETRIED or attempt >= MAX_ATTEMPTS:
        return None
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    if error.trouble is Trouble.QUOTA:
        return None
    pause: float = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    return pause * random.uniform(1.0, 1.5)  # noqa: S311 - spreads attempts, guards nothing


def parse(schema: type[M], text: str) -> tuple[M | None, list[str]]:
    """(the value, what is wrong with it): one of the two is empty."""
    if len(text) > MAX_ANSWER_CHARS:
        return None, ["The answer is much too long."]
    try:
        return schema.model_validate(strict_json.loads(text)), []
    except InvalidInput as error:
        return None, [error.message]
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        return None, [f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {e['msg']}" for e in errors[:MAX_PROBLEMS]]


def _config(request: ModelRequest[M], sampling: Sampling) -> dict[str, Any]:
    from google.genai import types

    return {
        "system_instruction": request.system,
        "response_mime_type": "application/json",
        "response_json_schema": gemini_schema(request.schema),
        "max_output_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "thinking_config": types.ThinkingConfig(thinking_level=sampling.thinking) if sampling.thinking else None,  # type: ignore[arg-type]
        "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
        "automatic_continuation": False,
    }


def _build(options: GeminiOptions) -> tuple[Client, httpx.AsyncClient]:
    """The SDK's client over an HTTP client of our own, so that we say what is retried, how much is read and which proxies are used."""
    import httpx
    from google.genai import Client, types

    class Bounded(httpx.AsyncByteStream):
        """A body that ends with an error where it becomes too long."""

        def __init__(self, stream: httpx.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for chunk in self._stream:
                read += len(chunk)
                if read > MAX_ANSWER_BYTES:
                    raise httpx.ReadError("the answer is too long")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx.Response) -> None:
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = Bounded(response.stream)

    http = httpx.AsyncClient(
        timeout=None,  # noqa: S113 - every request brings its own
        trust_env=options.trust_env,
        # A compressed answer would be bounded before it is unpacked only.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [bound]},
    )
    client = Client(
        vertexai=False,
        api_key=options.api_key,
        http_options=types.HttpOptions(base_url=options.base_url, api_version=API_VERSION, httpx_async_client=http),
    )
    return client, http
