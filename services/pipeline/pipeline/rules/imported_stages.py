"""Which stage a row of a file means by the words of another system. Pure, no I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imports.fields import word_of
from imports.headers import folded
from pipeline.rules.deal_import_fields import STAGE_OF
from pipeline.rules.stages import Group, Stage, closing, enters, first_open

_IN_PIPELINE = re.compile(r"(?P<stage>.+?)(?<!\s)\s*\((?P<pipeline>[^()]+)\)\Z")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as files name it."""

    id: int
    name: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row's words are no stage that a deal could be in; what of them, by its field."""

    field: str | None
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Place:
    """The stage that a new deal is to be in, and the open one that it was in before, if the file says so."""

    stage: Stage
    before: Stage | None = None


@dataclass(frozen=True)
class Stages:
    """The stages of a company's pipelines, in order."""

    pipelines: Sequence[Pipeline]
    stages: Sequence[Stage]

    def find(self, pipeline: int | str | None, stage: int | str | None, status: str | None) -> Place | Refusal:
        """Where a deal is of which a row says this much."""
        chosen = None if pipeline is None else self._pipeline(pipeline)
        if pipeline is not None and chosen is None:
            sentence = f"There is no pipeline {str(pipeline)!r} in this company."
            return Refusal("pipeline_id", "unknown_pipeline", sentence)
        group: Group | None = status  # type: ignore[assignment]  # Statuses of deals are groups.
        if stage is None:
            return self._beginning(self._of(chosen or self._default), group)
        named = self._stage(stage, chosen)
        return named if isinstance(named, Refusal) else self._placed(named, group)

    def names_any(self, texts: Sequence[str]) -> bool:
        """Whether one of the texts is a stage."""
        return any(not isinstance(self._stage(text, None), Refusal) for text in texts)

    def _beginning(self, pipeline: Sequence[Stage], group: Group | None) -> Place | Refusal:
        """The stage of a deal of which no stage is said."""
        found = first_open(pipeline) if group is None or group == "open" else closing(pipeline, group, None)
        if found is None:
            return Refusal(None, "last_stage_of_kind", f"There is no {group or 'open'} stage for a new deal.")
        return Place(found)

    def _placed(self, named: Stage, group: Group | None) -> Place | Refusal:
        """The stage that is named; of what has closed, where it ended after that one."""
        if group is None or group == named.group:
            return Place(named)
        if named.group == "open":
            beside = [other for other in self.stages if other.pipeline_id == named.pipeline_id]
            end = closing(beside, group, named)
            if end is not None:
                return Place(end, named)
        return Refusal("stage_id", "stage_unfit", f"The stage {named.name!r} is none for what is {group}.")

    def _stage(self, given: int | str, pipeline: Pipeline | None) -> Stage | Refusal:
        """The stage of this id, name or code; else the one of the pipeline that other systems call so."""
        text = str(given)
        if text.isascii() and text.isdigit():
            found = [stage for stage in self._of(pipeline) if str(stage.id) == text]
        else:
            whole = _IN_PIPELINE.match(text)
            if whole and pipeline is None and (inside := self._pipeline(whole["pipeline"])) is not None:
                return self._stage(whole["stage"], inside)
            found = self._called(text, pipeline)
            if not found and whole:
                found = self._called(whole["stage"], pipeline)
        if len(found) > 1:
            sentence = f"Several pipelines have a stage {text!r}; say which of them."
            return Refusal("stage_id", "ambiguous_stage", sentence)
        if not found:
            return Refusal("stage_id", "unknown_stage", f"There is no stage {text!r} of deals in this company.")
        if not found[0].is_active:
            return Refusal("stage_id", "stage_inactive", f"The stage {found[0].name!r} is inactive.")
        return found[0]

    def _called(self, text: str, pipeline: Pipeline | None) -> list[Stage]:
        """The stages of this name, of the default pipeline alone where it has one; else what the word means there."""
        key = folded(text)
        same = [stage for stage in self._of(pipeline) if key in (folded(stage.name), folded(stage.code or ""))]
        meant = self._of(pipeline or self._default)
        here = [stage for stage in same if stage in meant]
        if here or same:
            return here[:1] or same
        word = word_of(STAGE_OF, text)
        if word in ("won", "lost"):
            end = closing(meant, word, None)  # type: ignore[arg-type]  # One of the groups.
            return [] if end is None else [end]
        return [stage for stage in meant if stage.code == word and enters(stage, "open")][:1]

    def _pipeline(self, given: int | str) -> Pipeline | None:
        key = folded(str(given))
        return next((one for one in self.pipelines if str(one.id) == str(given) or folded(one.name) == key), None)

    @property
    def _default(self) -> Pipeline | None:
        return next((one for one in self.pipelines if one.is_default), None)

    def _of(self, pipeline: Pipeline | None) -> Sequence[Stage]:
        """The stages of a pipeline, or all."""
        return [stage for stage in self.stages if pipeline is None or stage.pipeline_id == pipeline.id]
