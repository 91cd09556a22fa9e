"""The agent beside HAProxy, `python -m gateway.agent`: asks identity what is revoked and keeps HAProxy's maps so."""

import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime

from gateway import certificates, map_files
from gateway.agent_settings import AgentSettings, AgentSettingsError, from_environment
from gateway.feed import Feed, FeedError
from gateway.monitor import Health, serve
from gateway.revocations import EMPTY, Maps, changes, updated
from gateway.runtime import Haproxy, Worker

EX_CONFIG = 78  # sysexits.h
POLL_SECONDS = 0.5
# Until the gateway knows anything, no change is let pass: a start does not wait for half a second that is over.
_FIRST_SECONDS = 0.1
_LONGEST_PAUSE = 2.0
FULL_SECONDS = 30.0
_SAVE_SECONDS = 10.0


class Agent:
    """Keeps one HAProxy's maps, and the files that it will begin with, equal to what identity says.

    What is known is kept in memory and compared with what HAProxy and the files were told last, so a round that failed
    half-way is made up for by the next. Twice a minute everything is asked and told anew, whatever was believed.
    """

    def __init__(self, settings: AgentSettings, health: Health) -> None:
        self._feed = Feed(settings.identity_urls, settings.key)
        self._haproxy = Haproxy(settings.socket, settings.maps, settings.master)
        self._folder = settings.maps
        self._health = health
        self._cursor: str | None = None
        self._asked_all_at = float("-inf")
        # What identity said and when it was asked, in Unix seconds; None before its first answer.
        self._known: Maps | None = None
        self._synced = 0
        # What HAProxy holds as far as we know, and which process of it; what the files hold, and when they got it.
        self._told: Maps | None = None
        self._worker: Worker | None = None
        # What each process holds that a reload has left behind.
        self._leaving: dict[int, Maps] = {}
        self._saved: Maps | None = None
        self._saved_at = float("-inf")
        self._certificate = settings.certificate
        # The certificate that HAProxy was given last, and which process of it.
        self._shown: tuple[Worker | None, str] | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        map_files.tidy(self._folder)
        pause = _FIRST_SECONDS
        while not stop.wait(pause):
            answered = self.work()
            if self._health.synced_at is None:
                pause = min(pause * 1.1, POLL_SECONDS)
            else:
                pause = POLL_SECONDS if answered else min(pause * 2, _LONGEST_PAUSE)
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._feed.close()

    def work(self) -> bool:
        """One round: ask identity, keep the files, tell HAProxy. Answers whether identity answered."""
        answered = self._ask()
        if self._known is not None:
            # The files first: what HAProxy refuses once, a process of it that begins at any moment refuses too.
            self._save(self._known)
            told = self._tell(self._known) and self._tell_leaving(self._known)
            if told and answered:
                self._health.synced_at = time.monotonic()
            self._health.entries = {name.removesuffix(".map"): len(held) for name, held in self._known.items()}
        self._renew()
        self._health.seen_at = time.monotonic()
        return answered

    def _renew(self) -> None:
        """Show the certificate that is in its file now: whoever renews it need not know of HAProxy."""
        if self._certificate is None:
            return
        try:
            pem = certificates.read(self._certificate)
            if (self._worker, pem) != self._shown:
                with self._haproxy.talk() as conversation:
                    certificates.replace(conversation, self._certificate, pem)
                _log("info", "certificate is shown", file=str(self._certificate))
                self._shown = self._worker, pem
        except OSError as error:
            self._note("certificate", str(error))
        else:
            self._note("certificate", None)

    def _ask(self) -> bool:
        everything = self._cursor is None or time.monotonic() - self._asked_all_at >= FULL_SECONDS
        asked_at = time.time()
        try:
            answer = self._feed.ask(None if everything else self._cursor)
        except FeedError as error:
            self._note("identity", str(error))
            return False
        self._note("identity", None)
        self._known = updated(EMPTY if everything or self._known is None else self._known, answer.values)
        self._cursor = answer.cursor
        self._synced = int(asked_at)
        if everything:
            self._asked_all_at = time.monotonic()
            self._told = None
        return True

    def _tell(self, known: Maps) -> bool:
        synced = {map_files.SYNCED: {"synced": self._synced}}
        try:
            with self._haproxy.talk() as conversation:
                worker = conversation.worker()
                if worker == self._worker and self._told is not None:
                    steps = changes(self._told, known) if self._told is not known else ()
                    conversation.apply(steps)
                    conversation.apply(changes({map_files.SYNCED: {"synced": 0}}, synced))
                else:
                    # Until it is all there the process goes by the older time, and by what it read from the files.
                    for name, entries in {**known, **synced, map_files.VERIFIED: {}}.items():
                        conversation.replace(name, entries)
        except OSError as error:
            self._told = None
            self._note("haproxy", str(error))
            return False
        if worker != self._worker:
            _log("info", "haproxy is told", pid=worker.pid)
        self._worker, self._told = worker, known
        self._note("haproxy", None)
        return True

    def _tell_leaving(self, known: Maps) -> bool:
        """Tell those who answer the last request of each connection that a reload found open."""
        try:
            pids = self._haproxy.leaving()
        except OSError as error:
            self._note("master", str(error))
            return False
        self._leaving = {pid: held for pid, held in self._leaving.items() if pid in pids}
        trouble = None
        for pid in pids:
            conversation = self._haproxy.talk_to(pid)
            held = self._leaving.pop(pid, None)
            try:
                if held is None:
                    for name, entries in known.items():
                        conversation.replace(name, entries)
                else:
                    conversation.apply(changes(held, known) if held is not known else ())
            except OSError as error:
                trouble = self._gone_or(pid, error)
            else:
                self._leaving[pid] = known
        self._note("master", trouble)
        return trouble is None

    def _gone_or(self, pid: int, error: OSError) -> str | None:
        """Why a process was not told; None when it has ended meanwhile."""
        try:
            return str(error) if pid in self._haproxy.leaving() else None
        except OSError as of_master:
            return str(of_master)

    def _save(self, known: Maps) -> None:
        due = time.monotonic() - self._saved_at >= _SAVE_SECONDS
        if known is self._saved and not due:
            return
        try:
            for name, entries in known.items():
                if self._saved is None or self._saved[name] != entries:
                    map_files.write(self._folder, name, entries)
            # Last, so that the time never says more than the other files hold.
            map_files.write(self._folder, map_files.SYNCED, {"synced": self._synced})
        except OSError as error:
            self._note("files", str(error))
            return
        self._saved, self._saved_at = known, time.monotonic()
        self._note("files", None)

    def _note(self, of: str, trouble: str | None) -> None:
        """Remember what goes wrong with one of the others, and say so when that begins or ends."""
        before = self._health.trouble.get(of)
        if trouble is not None:
            self._health.failures[of] = self._health.failures.get(of, 0) + 1
            self._health.trouble[of] = trouble
            if before is None:
                _log("warning", f"{of} fails", reason=trouble)
        elif before is not None:
            del self._health.trouble[of]
            _log("info", f"{of} works again")


def _log(level: str, event: str, **fields: object) -> None:
    line = {**fields, "event": event, "level": level, "timestamp": datetime.now(UTC).isoformat()}
    print(json.dumps(line | {"service": "gateway-agent"}), flush=True)  # noqa: T201  # Lines on stdout are the log.


def main() -> None:
    """Run until SIGTERM, which ends it with 0; missing settings end it with 78."""
    try:
        settings = from_environment()
    except AgentSettingsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201  # For who starts it.
        raise SystemExit(EX_CONFIG) from None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    health = Health()
    if settings.metrics is not None:
        serve(settings.metrics, health)
    _log("info", "started", identity=len(settings.identity_urls))
    Agent(settings, health).run(stop)
    _log("info", "stopped")


if __name__ == "__main__":
    main()
