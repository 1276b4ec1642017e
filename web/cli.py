"""The command line: one thin click command each; what they do is in `web.commands`, imported only when they run.

Every command reads its settings from the environment (`bridge.config`); problems are said in one sentence, without a traceback.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge import __version__
from bridge.errors import PrepkitError

from .user_cli import user
from .voucher_cli import voucher

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.decorators import FC

    from bridge.config import Settings

WAV = click.Path(exists=True, dir_okay=False, path_type=Path)


class Sentences(click.Group):
    """Says our own errors as a sentence and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PrepkitError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prepkit")
def main() -> None:
    """Practise technical interviews out loud, on your own server."""


def _settings() -> Settings:
    from bridge import config, log

    settings = config.load(os.environ)
    log.configure(settings.log_level, settings.log_format)
    return settings


def _quiet() -> None:
    """What a command prints is its own; libraries may only complain."""
    from bridge import log

    log.configure("WARNING", "text")


@main.command()
@click.option("--shared-port", is_flag=True, hidden=True, help="One of the processes of PREPKIT_WORKERS.")
def serve(shared_port: bool) -> None:
    """Migrate, start the server and print its URL."""
    # Nothing is garbage while everything is being loaded, and looking for it is a seventh of the start; `server.run` turns it on again.
    gc.disable()
    settings = _settings()
    from . import loops
    from .server import run

    if settings.workers > 1 and not shared_port:
        gc.enable()
        from .workers import Workers

        loops.run(Workers(settings, os.environ).run())
        return
    loops.run(run(settings, shared_port=shared_port))


@main.command()
def demo() -> None:
    """Start a throw-away server with a made-up history of five interviews.

    Everything is kept in a temporary folder and removed when the server stops. PREPKIT_DATA_DIR and the database settings are not used.
    """
    settings = _settings()
    from . import loops
    from .commands.demo import run

    loops.run(run(settings))


@main.command()
@click.option(
    "--audio",
    multiple=True,
    type=WAV,
    metavar="FILE.wav …",
    help="Recordings to play, one a question or follow-up; the last is repeated.",
)
@click.argument("more", nargs=-1, type=WAV, metavar="")
@click.option(
    "--text",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Paragraphs to say, one an answer.",
)
@click.option(
    "--url", help="The server to rehearse against. Without it, one is started with temporary data and stopped afterwards."
)
@click.option(
    "--type",
    "type_",
    default="javascript",
    show_default=True,
    help="javascript, machine-coding, dsa, system-design or behavioral.",
)
@click.option("--difficulty", default="easy", show_default=True, help="easy, medium, hard or expert.")
@click.option("--duration", type=int, metavar="MINUTES", help="Length of the interview; the difficulty's own when left out.")
@click.option("--questions", type=int, metavar="N", help="Number of questions, 3 to 10.")
@click.option("--typed", is_flag=True, help="Type the answers instead of speaking them.")
@click.option(
    "--voice", type=click.Choice(["auto", "flite", "espeak"]), default="auto", show_default=True, help="What speaks the answers."
)
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of a transcript and a summary.")
@click.option("--drop-after", type=float, hidden=True, help="Lose the connection once after this many seconds, and resume.")
def rehearse(
    audio: tuple[Path, ...], more: tuple[Path, ...], text: Path | None, url: str | None, type_: str, difficulty: str,
    duration: int | None, questions: int | None, typed: bool, voice: str, json_: bool, drop_after: float | None,
) -> None:  # fmt: skip
    """Hold one whole interview without a browser, in real time, and print its report.

    The candidate speaks through the public HTTP API and the audio socket, as a page would, and resumes after a lost connection. Exit code 0 means
    that the report is ready.

    \b
    What the candidate says:
      --audio   recordings (16-bit WAV, any rate). A .txt beside a .wav holds its
                words, so that the word error rate can be given.
      --text    paragraphs of a text file, separated by blank lines.
      neither   a prepared candidate: it looks the question up in the question
                bank and says about 60 % of the model answer, the rest at the
                follow-up, less where time is short. Its score says that the
                machinery works, not how good anybody is.

    Answers are spoken by flite or espeak without pauses, in a voice that suits the recogniser on this machine: a person with a microphone is
    understood less well than the word error rate says.
    """
    if more and not audio:
        raise click.UsageError("Recordings are given after --audio.")
    if sum((bool(audio), text is not None)) > 1 or (audio and typed):
        raise click.UsageError("Choose one of --audio, --text and --typed answers.")
    _quiet()
    from .commands.rehearse import Choice
    from .commands.rehearse import rehearse as hold

    choice = Choice(
        type=type_, difficulty=difficulty, duration=duration, questions=questions, url=url, audio=(*audio, *more), text=text,
        typed=typed, voice=voice, json=json_, drop_after=drop_after,
    )  # fmt: skip
    sys.exit(asyncio.run(hold(choice)))


@main.command()
def migrate() -> None:
    """Bring the database to the newest version."""
    settings = _settings()
    from storage.migrate import migrate as upgrade

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(upgrade(settings.database))
    click.echo("The database is at the newest version.")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-keys", is_flag=True, help="Leave the keys out: what they protect cannot be read from this backup alone.")
def backup(file: Path, without_keys: bool) -> None:
    """Write database, recordings and keys to FILE, while the server runs or not."""
    settings = _settings()
    _quiet()
    from .commands.backup import make, summary

    click.echo(f"{file}: {summary(make(settings, file, os.environ, keys=not without_keys))}")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put the backup in the place of what is there.")
def restore(file: Path, replace: bool) -> None:
    """Check the backup in FILE and put it in place; the server must be stopped."""
    settings = _settings()
    _quiet()
    from .commands.backup import restore as put_back
    from .commands.backup import summary

    click.echo(f"Restored from {file}: {summary(asyncio.run(put_back(settings, file, os.environ, replace=replace)))}")


@main.command()
@click.option("--url", help="A running server to look at as well.")
def doctor(url: str | None) -> None:
    """Check settings, data, voices and ports, and say in words what is wrong."""
    _quiet()
    from .commands.doctor import examine

    sys.exit(asyncio.run(examine(os.environ, url)))


@main.command()
@click.argument(
    "name", required=False, type=click.Choice(["startup", "turns", "live", "report", "relay", "followups", "archive", "scoring"])
)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="For scoring: a CSV of graded answers with the columns id, question, reference_answer, answer and score.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="For relay: 8 and 25 calls, and no search for the most; for followups: two questions; for archive: 10 interviews.",
)
def bench(name: str | None, data: Path | None, quick: bool) -> None:
    """Measure this machine: all benchmarks (followups and archive in their quick form), or one."""
    if (name == "scoring" and data is None) or (data is not None and name not in (None, "scoring")):
        raise click.UsageError("scoring, and nothing else, needs --data FILE: answers that people graded.")
    _quiet()
    from .commands.bench import measure

    asyncio.run(measure(name, data, quick=quick))


@main.group()
def keys() -> None:
    """The master key of what is encrypted at rest."""


@keys.command("list")
def keys_list() -> None:
    """Show each master key with its age and how many keys it wraps."""
    settings = _settings()
    from .commands.keys import show

    asyncio.run(show(settings))


@keys.command("rotate")
def keys_rotate() -> None:
    """Exchange the master key while servers run: every session's key is wrapped anew, no recording is touched."""
    settings = _settings()
    from .commands.keys import rotate

    asyncio.run(rotate(settings))


@main.command()
@click.argument("session_id", metavar="SESSION")
@click.option("--reason", default="", help="Why it must be kept.")
@click.option("--release", is_flag=True, help="End the hold; what was to be erased meanwhile is erased.")
def hold(session_id: str, reason: str, release: bool) -> None:
    """Keep an interview from being erased, by age or on request, while the law asks for it."""
    if bool(reason) == release:
        raise click.UsageError("Give a --reason for the hold, or --release it.")
    settings = _settings()
    from .commands.keys import hold as change

    asyncio.run(change(settings, session_id, reason, release=release))


@main.command()
@click.argument("session")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The server.")
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds an API token of an operator."
)
@click.option("--raw", is_flag=True, help="One JSON object a line, as the stream has it.")
def tail(session: str, url: str, token_file: Path | None, raw: bool) -> None:
    """Follow one call in the terminal: history first, then as it happens."""
    _quiet()
    from .commands.tail import tail as follow

    token = token_file.read_text(encoding="utf-8").strip() if token_file else ""
    asyncio.run(follow(url, session, token, raw=raw, say=click.echo))


@main.group()
def standin() -> None:
    """Play one of the vendors on this machine, for a try without a key."""


_port = click.option("--port", type=int, default=0, metavar="PORT", help="The port on 127.0.0.1; any free one when left out.")


def _events_to(provider: str) -> Callable[[FC], FC]:
    """The options of a payment provider's stand-in that say where its events go and what signs them."""
    url = click.option(
        "--webhook-url",
        default=f"http://127.0.0.1:8080/api/webhooks/{provider}",
        show_default=True,
        metavar="URL",
        help="Where events are sent; empty for nowhere.",
    )
    secret = click.option("--webhook-secret", default="whsec_standin", show_default=True, help="What signs them.")
    return lambda command: url(secret(command))


@standin.command("vapi")
@_port
@click.option("--key", default="test-key", show_default=True, help="The API key it takes.")
@click.option("--faults", default="{}", metavar="JSON", help="What goes wrong, for example '{\"create_status\": 503}'.")
@click.option(
    "--hear",
    type=click.Choice(["auto", "sphinx", "none"]),
    default="auto",
    show_default=True,
    help="What recognises the candidate.",
)
@click.option("--hum", is_flag=True, help="Hum instead of speaking.")
@click.option("--echo", type=click.Choice(["uplink", "paced"]), help="No conversation: audio comes back, or a paced tone.")
def standin_vapi(port: int, key: str, faults: str, hear: str, hum: bool, echo: str | None) -> None:
    """Vapi: strict about what it is sent, with a scripted interviewer, tool calls and webhooks, until Ctrl-C.

    What the candidate says next can be given with POST /standin/words {"texts": […]}, faults with POST /standin/faults; ?live=1 strikes live calls.
    """
    from bridge import log

    log.configure("INFO", "text")
    from .commands.standin import VapiChoice, play_vapi

    choice = VapiChoice(port, key, faults, hear, hum, echo)  # type: ignore[arg-type]
    asyncio.run(play_vapi(choice))


@standin.command("stripe")
@_port
@click.option("--key", default="sk_test_standin", show_default=True, help="The secret key it takes.")
@_events_to("stripe")
def standin_stripe(port: int, key: str, webhook_url: str, webhook_secret: str) -> None:
    """Stripe: checkout pages on which no money moves, plans, refunds and signed events, until Ctrl-C."""
    from bridge import log

    log.configure("INFO", "text")
    from .commands.standin import play_stripe

    asyncio.run(play_stripe(port, key, webhook_url, webhook_secret))


@standin.command("razorpay")
@_port
@click.option("--key-id", default="rzp_test_standin", show_default=True, help="The key id it takes.")
@click.option("--key-secret", default="standin", show_default=True, help="The key secret it takes.")
@_events_to("razorpay")
def standin_razorpay(port: int, key_id: str, key_secret: str, webhook_url: str, webhook_secret: str) -> None:
    """Razorpay: payment links on which no money moves, refunds and signed events, until Ctrl-C."""
    from bridge import log

    log.configure("INFO", "text")
    from .commands.standin import play_razorpay

    asyncio.run(play_razorpay(port, key_id, key_secret, webhook_url, webhook_secret))


@standin.command("gemini")
@_port
@click.option("--key", default="test-key", show_default=True, help="The API key it takes.")
@click.option("--faults", default="[]", metavar="JSON", help='What goes wrong, for example \'[{"kind": "503", "count": 3}]\'.')
def standin_gemini(port: int, key: str, faults: str) -> None:
    """Gemini, REST and Live: strict about what it is sent, with a scripted interviewer, until Ctrl-C.

    What the candidate says next can be given with POST /standin/words {"words": […]}, faults with POST /standin/faults.
    """
    from bridge import log

    log.configure("INFO", "text")
    from .commands.standin import play_gemini

    asyncio.run(play_gemini(port, key, faults))


main.add_command(user)
main.add_command(voucher)

if __name__ == "__main__":
    sys.exit(main())
