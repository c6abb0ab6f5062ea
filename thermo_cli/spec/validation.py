"""From a parsed document to a spec, or to errors with file, line, column and the nearest known name."""

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from thermo_cli.errors import SpecError, raise_all
from thermo_cli.registry import DATA, DYNAMICS, SCHEDULES, SYSTEMS, nearest
from thermo_cli.spec.parts import Misfits
from thermo_cli.spec.schema import Spec
from thermo_cli.spec.yaml_source import Location, Source

GONE: Final[Mapping[str, str]] = {
    "ensemble.shard": "leave it out: since 0.6 the width of a shard follows from the kind of system"
}
APART: Final = ("name", "description", "observe", "equilibrium")  # what may be wrong and change nothing about the rest
FIELD: Final = re.compile(r"[a-z_]+(\.[\w-]+)*")
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "data": DATA,
    "system": SYSTEMS,
    "dynamics": DYNAMICS,
    "schedule": SCHEDULES,
}


def validate(source: Source) -> Spec:
    """Turn a parsed document into a spec.

    Args:
        source: Values and their places.

    Raises:
        SpecError: With the place, what was expected and the nearest known name; `SpecErrors` when there are several.
    """
    if not isinstance(source.value, dict):
        raise SpecError(
            "a spec is a mapping of keys to values", received=type(source.value).__name__, where=source.where(())
        )
    try:
        spec = Spec.model_validate(source.value)
    except ValidationError as error:
        explained = _explained(source, error.errors(include_url=False))
        places = [f"{trap.where}: " for trap in source.errors]  # what stands there is read one way or the other
        others = [one for one in explained if not any(one.where.startswith(place) for place in places)]
        raise_all([*source.errors, *others])
        raise
    raise_all([*source.errors, *_margin_problems(source, spec), *_unobserved(source, spec)])
    return spec


def _explained(source: Source, details: list[ErrorDetails]) -> list[SpecError]:
    """Turn errors of pydantic into messages; where fields about judging alone are wrong, the others are held together too."""
    groups: dict[Location, list[ErrorDetails]] = {}
    for detail in details:
        groups.setdefault(_location(source.value, detail), []).append(detail)
    errors = [error for group in groups.values() for error in _told(source, group)]
    if () in groups or not {location[0] for location in groups} <= set(APART):
        return errors
    try:
        Spec.model_validate({key: value for key, value in source.value.items() if key not in APART})
    except ValidationError as error:
        errors += [one for detail in error.errors(include_url=False) for one in _told(source, [detail])]
    return errors


def _told(source: Source, group: list[ErrorDetails]) -> list[SpecError]:
    """Explain the errors about one place; parts that do not fit each other name their fields themselves."""
    reason = group[0].get("ctx", {}).get("error")
    if not isinstance(reason, Misfits) and (_location(source.value, group[0]) or not isinstance(reason, ValueError)):
        return [_explain(source, group)]
    messages = reason.messages if isinstance(reason, Misfits) else (str(reason),)
    return [SpecError(words, where=source.field(name)) for name, words in map(_parted, messages)]


def _parted(message: str) -> tuple[str, str]:
    """Return the field that a message begins with, and what is said of it."""
    name = FIELD.match(message)
    if name is None or name[0].partition(".")[0] not in Spec.model_fields:
        return "", message
    return name[0], message.removeprefix(f"{name[0]}: ")


def _margin_problems(source: Source, spec: Spec) -> Iterator[SpecError]:
    """Refuse margins of what cannot carry one."""
    for observable in spec.equilibrium.margins:
        problem = spec.traits.margin_problem(observable, spec.observe.macro)
        if problem:
            location = ("equilibrium", "margins", observable)
            yield SpecError(
                f"no margin can be set for {observable!r}",
                remedy=problem,
                where=f"{source.where(location, key=True)}: {_dotted(location)}",
            )


def _unobserved(source: Source, spec: Spec) -> Iterator[SpecError]:
    """Refuse targets and directions of what a learning system does not record."""
    names = spec.traits.recordable(spec.observe.macro)
    for field in ("targets", "better"):
        for observable in getattr(spec.equilibrium, field) if names else ():
            if observable not in names and not observable.startswith("energy_"):
                location = ("equilibrium", field, observable)
                guess = nearest(observable, names)
                yield SpecError(
                    f"{observable!r} is not observed",
                    remedy=(f"did you mean {guess!r}? " if guess else "") + "observe it, or leave it out",
                    where=f"{source.where(location, key=True)}: {_dotted(location)}",
                )


def _explain(source: Source, group: list[ErrorDetails]) -> SpecError:
    """Turn pydantic's errors about one place into a message with the place, what was received and a remedy."""
    detail = group[0]
    kind, received = detail["type"], detail["input"]
    location = _location(source.value, detail)
    name = _dotted(location) or "the spec"
    where = f"{source.where(location)}: {name}"
    if kind == "extra_forbidden":
        known = _keys(_model_at(source.value, location[:-1]))
        guess = nearest(str(location[-1]), known)
        remedy = f"did you mean {guess!r}?" if guess else "known here: " + ", ".join(known)
        remedy = GONE.get(name, remedy)
        return SpecError(
            "unknown key", received=location[-1], remedy=remedy, where=f"{source.where(location, key=True)}: {name}"
        )
    if kind == "missing":
        return SpecError("this key is missing", where=where, remedy=f"add {location[-1]}: ...")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_use(source, location, received)
    if kind == "literal_error" and len(group) == 1:
        options = [option.strip(" '") for option in str(detail["ctx"]["expected"]).replace(" or ", ", ").split(",")]
        guess = nearest(str(received), options)
        remedy = f"did you mean {guess!r}?" if guess else "choose one of them"
        return SpecError(f"not one of {', '.join(options)}", received=_short(received), remedy=remedy, where=where)
    what = ", or ".join(dict.fromkeys(_plain(item["msg"]) for item in group))
    shown = None if kind == "value_error" and isinstance(received, dict | list) else _short(received)
    if kind == "string_pattern_mismatch" and location[-1:] == ("use",):
        what, remedy = "this is no module:object", "write both names, such as sklearn.preprocessing:OneHotEncoder"
        return SpecError(what, received=shown, remedy=remedy, where=where)
    return SpecError(what, received=shown, remedy=_remedy(kind, received), where=where)


def _unknown_use(source: Source, location: Location, received: Any) -> SpecError:
    """Explain a `use` that is absent or names nothing."""
    use = received.get("use") if isinstance(received, dict) else received if isinstance(received, str) else None
    kind = next((str(part) for part in reversed(location) if part in TABLES), "")
    known = [name for name in TABLES.get(kind, ()) if ":" not in name]
    guess = nearest(str(use), known) if use is not None else None
    others = {"system": ", or module:Class", "dynamics": ", or a class of torch: torch.optim:Class"}.get(kind, "")
    remedy = (f"did you mean {guess!r}? " if guess else "") + "known: " + ", ".join(known) + others
    what = "unknown name" if use is not None else "`use` is missing: it says which"
    return SpecError(
        what, received=use, remedy=remedy, where=f"{source.where((*location, 'use'))}: {_dotted(location)}.use"
    )


def _plain(message: str) -> str:
    """Reword pydantic's sentences for people who have not read its documentation."""
    message = message.removeprefix("Value error, ").replace("Input should be a valid", "expected a")
    message = message.replace("Input should be", "expected").replace("a integer", "an integer")
    message = message.replace("dictionary or object to extract fields from", "mapping")
    return re.sub(r"dictionary or instance of \w+", "mapping", message)


def _remedy(kind: str, received: Any) -> str:
    if kind in ("float_type", "int_type") and isinstance(received, str) and re.fullmatch(r"[-+.eE0-9]+", received):
        return "write the number without quotes"
    if kind == "string_pattern_mismatch":
        return "use letters, digits, dots, dashes and underscores, at most 64, beginning with a letter or digit"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "write key: value pairs, indented below this key"
    return "see `thermo-run --schema` for what each field takes" if kind != "value_error" else ""


def _short(value: Any) -> str:
    text = f"{value!r} ({type(value).__name__})"
    return text if len(text) <= 120 else text[:117] + "..."


def _dotted(location: Location) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _location(value: Any, detail: ErrorDetails) -> Location:
    """Follow an error through the document, leaving out the tags that pydantic adds for unions."""
    location: list[str | int] = []
    for position, part in enumerate(detail["loc"]):
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            value = value[part]
        elif not (detail["type"] == "missing" and position == len(detail["loc"]) - 1):
            continue
        location.append(part)
    return tuple(location)


def _model_at(value: Any, location: Location) -> type[BaseModel] | None:
    """Find the model that reads a part of the document, choosing among a union by its `use`."""
    model: type[BaseModel] | None = Spec
    annotation: Any = Spec
    for part in location:
        if model is not None:
            fields = model.model_fields.items()
            annotation = next((info.annotation for name, info in fields if part in (name, info.alias)), None)
        else:
            annotation = (typing.get_args(annotation) or (None,))[-1]
        value = value[part]
        candidates = _models(annotation)
        use = value.get("use") if isinstance(value, dict) else None
        model = (
            candidates[0] if len(candidates) == 1 else next((item for item in candidates if _reads(item, use)), None)
        )
    return model


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()] if model is not None else []


def _models(annotation: Any) -> list[type[BaseModel]]:
    """List the models that a value of this annotation can be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return [model for argument in typing.get_args(annotation) for model in _models(argument)]
    return []


def _reads(model: type[BaseModel], use: Any) -> bool:
    """Say whether a model of a union reads a part of this `use`: by its name, or any `module:object`."""
    return use in _uses(model) or (":" in str(use) and "use" in model.model_fields and not _uses(model))


def _uses(model: type[BaseModel]) -> tuple[Any, ...]:
    info = model.model_fields.get("use")
    return typing.get_args(info.annotation) if info is not None else ()
