"""The base of every part of a config."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
GROUPS = ("base", "middle", "top")


def storable(text: str) -> str:
    """Returns the text. Raises ValueError where it holds what no database takes: a null character, or half of a pair of surrogates."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("leave out characters that cannot be stored")
    return text


class Settings(BaseModel):
    """Base of every part of a config: frozen, and an unknown key is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def texts_can_be_stored(cls, value: Any) -> Any:
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                storable(text)
        return value
