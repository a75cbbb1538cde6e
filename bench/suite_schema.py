"""JSON Schema of what a suite file's entries may be: what pydantic does not know of the catalogue."""

from __future__ import annotations

from typing import Any

from bench.catalog import Catalog


def without_null(schema: Any) -> Any:
    """TOML has no null: a key is left out instead."""
    if isinstance(schema, list):
        return [without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: without_null(value) for key, value in schema.items() if not (key == "default" and value is None)}
    options = plain.get("anyOf")
    if isinstance(options, list):
        rest = [option for option in options if option != {"type": "null"}]
        if len(rest) == 1:
            del plain["anyOf"]
            return rest[0] | plain
        plain["anyOf"] = rest
    return plain


def names_schema(names: list[str]) -> dict[str, Any]:
    """Text, of which these are offered."""
    return {"anyOf": [{"enum": names}, {"type": "string"}]}


def settings_schema(catalog: Catalog[Any]) -> dict[str, Any]:
    """Every setting that some entry of the catalogue has."""
    schemas: dict[str, list[dict[str, Any]]] = {}
    meanings: dict[str, list[str]] = {}
    for name in catalog.names():
        properties = catalog.entry(name).adapter.json_schema().get("properties", {})
        for setting in catalog.describe(name).settings:
            form = {key: item for key, item in properties[setting.name].items() if key not in ("default", "title")}
            meaning = form.pop("description", "") or setting.meaning
            if form not in schemas.setdefault(setting.name, []):
                schemas[setting.name].append(form)
            meanings.setdefault(setting.name, []).append(f"{name}: {meaning} (default {setting.default})")
    return {
        name: {"description": "; ".join(meanings[name]), **(forms[0] if len(forms) == 1 else {"anyOf": forms})}
        for name, forms in schemas.items()
    }
