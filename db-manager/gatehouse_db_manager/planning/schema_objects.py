"""The steps about a schema itself: its two roles, its extensions, its sequences and its grants.

What is no longer in schema.yaml is dropped, once approved.
"""

from collections.abc import Iterator
from typing import Any

from gatehouse_db_manager.config.model import Schema, Sequence, short_digest
from gatehouse_db_manager.database.snapshot import DatabaseState, LiveSchema
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.plan import NEW, Hazard, Remember, Step
from gatehouse_db_manager.planning.table_change import NOTHING, brief, hazard

LET_IN = "grant access to its roles"


def schema_digest(schema: Schema) -> str:
    return short_digest("\0".join((*ddl.create_schema(schema), *ddl.grants(schema))))


def grants_digest(schema: Schema) -> str:
    return short_digest("\0".join(ddl.grants(schema)))


def remember_schema(schema: Schema, made: tuple[str, ...]) -> Remember:
    """`made`: the extensions that go when schema.yaml no longer names them."""
    details = {"roles": list(schema.roles), "extensions": sorted(made), "grants": grants_digest(schema)}
    return Remember(kind="schema", name=schema.name, digest=schema_digest(schema), details=details)


def open_schema(whole: DatabaseState, live: LiveSchema, schema: Schema) -> Iterator[Step]:
    """Creates roles, schema, extensions, grants, and the sequences that its tables may use."""
    missing = [role for role in schema.roles if role not in whole.roles]
    if missing:
        statements = tuple(ddl.create_role(role) for role in missing)
        yield _step(schema, f"create role {', '.join(missing)}", "each schema has two roles of its own", *statements)
    again = missing or whole.kept_out & set(schema.roles)
    recorded = live.objects.get(("schema", schema.name))
    details = recorded.details if recorded else {}
    if not live.exists or again or recorded is None or recorded.digest != schema_digest(schema):
        known = set(details.get("extensions", ())) | (set(schema.extensions) - whole.extensions)
        made = tuple(name for name in schema.extensions if name in known)
        before = details.get("roles", ())
        former = [role for role in before if role not in schema.roles]
        # Service and reader were swapped: the new reader has too many rights.
        moved = [role for role, now in zip(before, schema.roles, strict=False) if role != now and role in schema.roles]
        # A changed description or extension doesn't touch grants.
        granted = live.exists and not again and details.get("grants") == grants_digest(schema)
        what = f"change schema {schema.name}" if granted else LET_IN if live.exists else f"create schema {schema.name}"
        why = "its description or extensions changed"
        yield _step(
            schema,
            what,
            why if granted else f"{schema.service_role} reads and writes it, {schema.reader_role} reads it",
            *(ddl.shut_out(schema, role) for role in moved),
            *ddl.create_schema(schema),
            *(() if granted else ddl.grants(schema)),
            *(ddl.shut_out(schema, role) for role in former),
            remember=(remember_schema(schema, made), *_former_extensions(schema, details, made)),
            hazards=tuple(_shut_out(schema, role) for role in (*moved, *former)),
        )
    owners = sequence_owners(live)
    for sequence in schema.sequences:
        exists = f"sequence {sequence.name}" in live.others or sequence.name in owners
        known = live.objects.get(("sequence", sequence.name))
        if not exists or known is None or known.digest != sequence.digest:
            yield _sequence(schema, sequence, exists)


def sequence_owners(live: LiveSchema) -> dict[str, str]:
    """Sequence -> `table.column` that owns it."""
    return {
        column.sequence: f"{table.name}.{column.name}"
        for table in live.tables.values()
        for column in table.columns.values()
        if column.sequence
    }


def own_sequences(live: LiveSchema, schema: Schema) -> Iterator[Step]:
    """After the tables: ownership, with which a sequence is dropped together with its column."""
    owners = sequence_owners(live)
    for sequence in schema.sequences:
        before = owners.get(sequence.name, "")
        if before == sequence.owned_by or (not sequence.owned_by and ("sequence", sequence.name) not in live.objects):
            continue
        owner = f"{schema.name}.{sequence.owned_by}" if sequence.owned_by else "none"
        yield _step(
            schema,
            f"change owner of sequence {sequence.name} to {sequence.owned_by or 'none'}",
            "owned_by changed",
            f"alter sequence {schema.name}.{sequence.name} owned by {owner}",
            locks=brief(sequence.name),
        )


def close_schema(live: LiveSchema, whole: DatabaseState, schema: Schema) -> Iterator[Step]:
    """Drops what is no longer in schema.yaml; last, when no column needs it any more."""
    wanted = {sequence.name for sequence in schema.sequences}
    for name in sorted(name for kind, name in live.objects if kind == "sequence" and name not in wanted):
        yield _contract(schema, "sequence", name, f"drop sequence if exists {schema.name}.{name}")
    recorded = live.objects.get(("schema", schema.name))
    made = {name for kind, name in live.objects if kind == "extension"}
    made |= set(recorded.details.get("extensions", ()) if recorded else ())
    for name in sorted((made - set(schema.extensions)) & whole.extensions):
        yield _contract(schema, "extension", name, f'drop extension if exists "{name}"')


def _former_extensions(schema: Schema, details: dict, made: tuple[str, ...]) -> Iterator[Remember]:
    """Extensions to drop are recorded by themselves until the last step has dropped them."""
    for name in details.get("extensions", ()):
        if name not in made:
            yield Remember(kind="extension", name=name, digest="")
    for name in schema.extensions:
        yield Remember(kind="extension", name=name)


def _shut_out(schema: Schema, role: str) -> Hazard:
    danger = f"revokes all access of {role}"
    return hazard("role.change", f"{schema.name}.{role}", schema.file, danger, table=schema.name, name=role)


def _sequence(schema: Schema, sequence: Sequence, exists: bool) -> Step:
    full = f"{schema.name}.{sequence.name}"
    grant = f"grant usage, select on sequence {full} to {schema.service_role}"
    statement = f"{'alter' if exists else 'create'} sequence {full} {sequence.definition}"
    if exists:
        # Its current value may be outside its new bounds; then it restarts.
        again = f"exception when invalid_parameter_value then {statement} restart; end $$"
        statement = f"do $$ begin {statement}; {again}"
    return _step(
        schema,
        f"{'change' if exists else 'create'} sequence {sequence.name}",
        "its definition changed; it keeps its current value" if exists else "it is new",
        statement,
        grant,
        locks=brief(sequence.name) if exists else NEW,
        remember=(
            # A script may have made it; now it belongs to schema.yaml.
            Remember(kind="made", name=f"sequence {sequence.name}"),
            Remember(kind="sequence", name=sequence.name, digest=sequence.digest),
        ),
    )


def _contract(schema: Schema, kind: str, name: str, statement: str) -> Step:
    danger = f"no longer has the {kind} {name}"
    return Step(
        schema=schema.name,
        what=f"drop {kind} {name}",
        why="it is no longer in the file",
        statements=(statement,),
        phase="contract",
        locks=NOTHING,
        reversible=False,
        hazards=(hazard(f"{kind}.drop", f"{schema.name}.{name}", schema.file, danger, name=name),),
        remember=(Remember(kind=kind, name=name),),
    )


def _step(schema: Schema, what: str, why: str, *statements: str, **more: Any) -> Step:
    return Step(schema=schema.name, what=what, why=why, statements=statements, **more)
