"""`init`: ask for the settings, check the token and the key at once, and write them into a new file."""

from __future__ import annotations

import asyncio
import getpass
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.cli.check import checks
from bot.cli.check.network import open_network
from bot.cli.init import files as init_files
from bot.cli.init.questions import QUESTIONS, Answer, Invitation, Question, WrongAnswer
from bot.cli.output import FAILED, print_error, report
from bot.config import loader
from bot.config.environment import own_variables, variable
from bot.config.program_name import program_name
from bot.config.secret_files import FILE_SUFFIX, SYSTEMD_VARIABLE
from bot.config.settings_file import DEFAULT_FILE
from bot.discord_client.login import open_login
from bot.domain.errors import KuasError
from bot.observability import log_setup

if TYPE_CHECKING:
    import argparse

    from bot.network.connections import Network

NOT_POSSIBLE: Final = 2
"""The exit code where nothing can be asked or written, as for a wrong argument."""
PORTAL: Final = "https://discord.com/developers/applications"


def run(args: argparse.Namespace) -> int:
    """Ask, write the file, and say what is left to do; returns the exit code.

    Raises:
        SettingsError: a variable of the environment is wrong.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print_error(*_without_terminal(env=args.env is not None))
        return NOT_POSSIBLE
    env = args.env is not None
    target = (args.env or args.config or DEFAULT_FILE).absolute()
    secrets = args.secrets.absolute() if args.secrets else None
    if (why := _unusable(target, secrets, env=env)) is not None:
        print_error(why)
        return NOT_POSSIBLE
    log_setup.configure("critical", "console")
    try:
        return _Dialog(target, secrets, env=env).run()
    except (KeyboardInterrupt, EOFError):
        print_error("", "nothing was written")
        return FAILED


def _unusable(target: Path, secrets: Path | None, *, env: bool) -> str | None:
    """Return why the files cannot be made, None if they can."""
    whys = [init_files.unusable(target)]
    if secrets is not None:
        whys += [init_files.unusable_folder(secrets)]
        files = [_secret_file(secrets, question) for question in QUESTIONS if question.is_secret]
        whys += map(init_files.unusable, files)
        if env:
            whys += [init_files.unusable_in_env(file, target) for file in files]
    return next((why for why in whys if why is not None), None)


def _secret_file(folder: Path, question: Question) -> Path:
    return folder / f"{question.section}.{question.key}"


def _without_terminal(*, env: bool) -> list[str]:
    """Return what to set instead; a line for each variable."""
    lines = [
        "init asks questions, which takes a terminal. Set these variables instead, or write config.toml:"
    ]
    for question in QUESTIONS:
        if question.in_env or not env:
            name = variable(question.section, question.key)
            needed = (
                f"required, or {name}{FILE_SUFFIX} with the path of its file" if question.is_secret else ""
            )
            lines.append("  " + "; ".join(filter(None, (f"{name}: {question.setting.description}", needed))))
    return lines


class _Dialog:
    """The questions, the summary, and what is known about the application so far."""

    def __init__(self, target: Path, secrets: Path | None, *, env: bool) -> None:
        self._target = target
        self._secrets = secrets
        self._env = env
        self._questions = tuple(question for question in QUESTIONS if question.in_env or not env)
        self._answers: dict[Question, Answer] = {}
        self._notes: dict[Question, str] = {}
        self._connections = loader.load_connections()
        self._network: Network = open_network(self._connections.network)
        self._invitation = ""
        self._is_public: bool | None = None

    def run(self) -> int:
        sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # a terminal's text stream
        folder = f", and the two secrets into files in {self._secrets}" if self._secrets else ""
        report(f"This writes {self._target}{folder}. Nothing is written before the end; Ctrl-C stops.")
        variables = {variable(question.section, question.key) for question in self._questions}
        if winning := sorted(variables & own_variables(os.environ).keys()):
            report(f"In this environment these variables win over the file: {', '.join(winning)}")
        for question in self._questions:
            if question.in_env:
                self._ask(question)
            else:
                self._answers[question] = question.parse("", env=self._env)
        while not self._confirmed():
            pass
        self._say_what_is_next()
        return 0

    def _ask(self, question: Question) -> None:
        """Ask until there is an answer that can be taken and, of a secret, that works or is kept anyway."""
        report(f"\n{question.text}")
        for number, choice in enumerate(question.choices, start=1):
            report(f"  {number}  {choice}")
        while True:
            try:
                answer = question.parse(self._read(question), env=self._env)
            except (WrongAnswer, UnicodeDecodeError) as error:
                report(str(error) if isinstance(error, WrongAnswer) else "characters that are no UTF-8")
                continue
            if not question.is_secret or self._works(question, str(answer)):
                self._answers[question] = answer
                return

    def _read(self, question: Question) -> str:
        if question.is_secret:
            return getpass.getpass(f"{question.title} (not shown): ")
        return _read_line(f"{question.title} [{question.default or 'none'}]: ")

    def _works(self, question: Question, secret: str) -> bool:
        """Check a secret; returns False for another one to be typed."""
        while True:
            try:
                check = self._check_token if question.section == "discord" else self._check_key
                note = asyncio.run(check(secret))
            except KuasError as error:
                report(f"FAIL  {error}")
            else:
                report(f"ok    {note}")
                self._notes[question] = note
                return True
            match _read_line(
                "Enter to type another, r to try this one again, k to keep it unchecked: "
            ).strip():
                case "r" | "R":
                    continue
                case "k" | "K":
                    self._notes[question] = "not checked"
                    return True
                case _:
                    return False

    async def _check_token(self, token: str) -> str:
        self._invitation, self._is_public = "", None
        async with open_login(token, self._network) as login:
            self._invitation, self._is_public = login.invitation, login.is_public
            return f"the token belongs to {login.name}"

    async def _check_key(self, key: str) -> str:
        return await checks.check_key(self._connections.rivya, key, self._network)

    def _confirmed(self) -> bool:
        """Show the answers, and change one or write the file; returns whether it was written."""
        report("")
        for number, question in enumerate(self._questions, start=1):
            report(f"{number:>2}  {question.title}: {self._shown(question)}")
        file_number = len(self._questions) + 1
        report(f"{file_number:>2}  File: {self._target}")
        typed = _read_line("Enter writes the file; a number changes an answer: ").strip()
        if not typed:
            return self._write()
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < len("100") else 0
        if number == file_number:
            self._change_target()
        elif 1 <= number <= len(self._questions):
            self._ask(self._questions[number - 1])
        else:
            report(f"must be a number from 1 to {file_number}, or empty")
        return False

    def _shown(self, question: Question) -> str:
        if question.is_secret:
            return self._notes[question]
        return str(self._answers[question]) or "none"

    def _change_target(self) -> None:
        typed = _read_line("File: ").strip()
        try:
            target = Path(typed).expanduser().absolute()
            can_be = typed and "\0" not in typed
            why = _unusable(target, self._secrets, env=self._env) if can_be else "no path"
        except (OSError, RuntimeError) as error:
            why = f"{typed!a}: {error}"
        else:
            self._target = self._target if why else target
        if why is not None:
            report(why)

    def _write(self) -> bool:
        tables: dict[str, dict[str, str | int]] = {}
        files: dict[Path, tuple[str, int]] = {}
        for question, answer in self._answers.items():
            key, value = question.key, answer.mode.value if isinstance(answer, Invitation) else answer
            if question.is_secret and self._secrets is not None:
                file = _secret_file(self._secrets, question)
                files[file] = (f"{value}\n", init_files.IN_PRIVATE_FOLDER)
                # A settings file has no key for it: the bot looks where systemd and Docker put such files.
                key = f"{key}{FILE_SUFFIX}".lower()
                value = init_files.path_in_env(file, self._target) if self._env else ""
            if value != "":
                tables.setdefault(question.section, {})[key] = value
        try:
            text = init_files.env_text(tables) if self._env else init_files.toml_text(tables)
            init_files.write_all(files | {self._target: (text, init_files.PRIVATE)})
        except OSError as error:
            name = error.filename2 or error.filename or self._target
            report(f"{name}: {error.strerror}; nothing was written. Choose another file, or try again.")
            return False
        return True

    def _say_what_is_next(self) -> None:
        public = next(
            answer.public_bot for answer in self._answers.values() if isinstance(answer, Invitation)
        )
        now = {None: "", True: " (it is on now)", False: " (it is off now)"}[self._is_public]
        first = "; set Install Link to None on the page Installation first" if public == "off" else ""
        report(f"\n{self._target} is written; only you can read it.")
        if self._secrets is not None:
            report(
                f"The secrets are in {self._secrets}; only you can open this folder, and any user its files."
            )
        report("What is left to do:")
        report(f"- at {PORTAL}, page Bot: Public Bot has to be {public}{now}{first}")
        report("- there, page General Information: Interactions Endpoint URL has to be empty")
        report(f"- invite the bot: {self._invitation or 'the address is what `check` prints'}")
        report(f"- check everything: {self._check_command()}")
        if self._env:
            report(
                "  with Docker Compose, once KUAS_IMAGE is in this file: docker compose run --rm kuas check"
            )

    def _check_command(self) -> str:
        path, program = shlex.quote(str(self._target)), program_name()
        if self._env:
            folder = shlex.quote(str(self._target.parent))
            return f"(cd {folder}; set -a; . {path}; exec {program} check)"
        credentials = f"{SYSTEMD_VARIABLE}={shlex.quote(str(self._secrets))} " if self._secrets else ""
        return f"{credentials}{program} --config {path} check"


def _read_line(prompt: str) -> str:
    """Read a line from the terminal.

    Raises:
        EOFError: the input has ended.
    """
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
