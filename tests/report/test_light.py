"""Figures in fewer bytes still show the same."""

import base64
import io

import numpy as np
from PIL import Image

from bench.report import light


def png(pixels, mode):
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "png")
    return buffer.getvalue()


def pixels_of(content, mode):
    return np.asarray(Image.open(io.BytesIO(content)).convert(mode))


def test_a_plot_of_few_colours_takes_fewer_bytes_and_looks_the_same():
    random = np.random.default_rng(0)
    pixels = np.full((300, 300, 3), 255, dtype=np.uint8)
    pixels[random.random((300, 300)) < 0.2] = (0, 114, 178)
    pixels[100:120] = (224, 138, 0)
    made = light.png(Image.fromarray(pixels))
    assert len(made) < len(png(pixels, "RGB"))
    assert (pixels_of(made, "RGB") == pixels).all()


def test_a_photograph_is_left_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert (pixels_of(light.png(Image.fromarray(pixels)), "RGB") == pixels).all()


def test_embedded_pictures_keep_every_pixel_with_its_transparency():
    random = np.random.default_rng(0)
    pixels = np.zeros((80, 80, 4), dtype=np.uint8)
    pixels[..., :3] = (0, 158, 115)
    pixels[..., 3] = random.integers(0, 200, (80, 80))
    encoded = base64.b64encode(png(pixels, "RGBA")).decode()
    made = light.svg(f'<image href="data:image/png;base64,{encoded}"/>')
    found = made.removeprefix('<image href="data:image/png;base64,').removesuffix('"/>')
    assert len(found) < len(encoded)
    shown = pixels_of(base64.b64decode(found), "RGBA")
    assert (shown[..., 3] == pixels[..., 3]).all()
    assert (shown[pixels[..., 3] > 0] == pixels[pixels[..., 3] > 0]).all()


def test_paths_are_cut_to_hundredths_and_nothing_else_is():
    text = '<path id="p" d="M 1.234567 -2.999999\nL 3 4.5" transform="scale(0.015)"/><text x="1.23456">0.123</text>'
    assert light.svg(text) == (
        '<path id="p" d="M 1.23 -2.99 L 3 4.5" transform="scale(0.015)"/><text x="1.23456">0.123</text>'
    )
