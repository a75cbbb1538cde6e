"""The handbook: `docs/objectives.md` with its figure, made from the catalogue (``python -m bench.handbook docs``)."""
