"""Figures in fewer bytes still show the same."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import minimum_filter

from bench.report import light
from bench.report.style import COLORS


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


def test_pale_bands_among_many_colours_stay():
    """Where bands and soft edges of lines meet there are thousands of colours; a pale area is none to be saved at."""
    figure = Figure(figsize=(8, 5))
    axes = figure.subplots()
    x = np.linspace(0, 1, 5)
    for index, color in enumerate(COLORS):
        random = np.random.default_rng(index)
        low, high = np.sort(random.random((2, len(x))), axis=0)
        axes.fill_between(x, low, high, color=color, alpha=0.11, lw=0)
        axes.plot(x, (low + high) / 2, color=color)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", dpi=140)
    before = pixels_of(buffer.getvalue(), "RGB").astype(int)
    made = light.png(Image.fromarray(before.astype(np.uint8)))
    off = np.abs(pixels_of(made, "RGB") - before).max(axis=2)
    assert (minimum_filter(off, 7) > 10).mean() < 1e-4


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
