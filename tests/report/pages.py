"""What a test asks of a page: its blocks, a table's cells, a figure's words."""

from bench.report import significance, tables
from bench.report.blocks import Picture, Table
from bench.report.reader import read_material
from bench.report.sections import make_page
from bench.report.style import theme


def page_of(store):
    with theme():
        return make_page(read_material([store.folder]), "x")


def across_tasks(material):
    """What the answer says of all tasks together is made from."""
    return significance.over_tasks(material), tables.overall_ranks(material)


def blocks(page, kind, section=None):
    return [b for s in page.sections if section in (None, s.key) for b in s.blocks if isinstance(b, kind)]


def table(page, title):
    (found,) = [block for block in blocks(page, Table) if block.title == title]
    return found


def rows(found):
    return {row.cells[0].text: row.cells[1:] for row in found.rows}


def picture(page, name):
    (found,) = [block for block in blocks(page, Picture) if block.name == name]
    return found


def words(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]
