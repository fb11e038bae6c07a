"""Charts drawn by pygal as bare inline SVG: shapes, texts and classes that the page's own style sheet colours.

Scripts, styles, ids and tooltips are taken out: a page needs none of them, allows none of them, and the same numbers
give the same bytes.
"""

from __future__ import annotations

import re
import sys
from typing import Any
from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_UNWANTED = ("script", "style", "defs", "title", "desc")
_LAYERS_OF_SCRIPTS = {"text-overlay", "tooltip-overlay"}
_KEPT = ("class", "viewBox", "x", "y", "cx", "cy", "r", "d", "width", "height", "transform", "href")
_SHAPES = ("circle", "rect")
_DECIMALS = re.compile(r"(\d+\.\d)\d+")


def import_pygal() -> Any:
    """Return the module pygal without the import hook that it installs."""
    import pygal

    # The hook for map plugins makes Python 3.11 warn at every failed import elsewhere.
    sys.meta_path[:] = [hook for hook in sys.meta_path if not isinstance(hook, pygal.PluginImportFixer)]
    return pygal


def bare_svg(chart: Any, description: str) -> str:
    """Return a chart as an SVG element for an HTML page; a shape with a label has it as its title, and may link.

    The keyboard passes the links by: there can be thousands, so whoever uses them tells the same in a table.
    """
    root = ElementTree.fromstring(chart.render())
    _clean(root)
    links = list(root.iter(f"{_SVG}a"))
    for link in links:
        link.attrib["tabindex"] = "-1"
    # What an image holds is not told to those who cannot see it.
    root.attrib.update({"class": "chart", "role": "group" if links else "img", "aria-label": description})
    # Inside HTML the elements need no namespace.
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    label = next((found.text for found in element.findall(f"{_SVG}desc") if found.get("class") == "label"), None)
    for child in list(element):
        if child.tag.removeprefix(_SVG) in _UNWANTED or _is_idle_layer(child):
            element.remove(child)
    if link := element.attrib.pop(_LINK, None):
        element.attrib["href"] = link
    kept = {name: _DECIMALS.sub(r"\1", element.attrib[name]) for name in _KEPT if element.attrib.get(name)}
    element.attrib.clear()
    element.attrib.update(kept)
    for child in element:
        _clean(child)
    shape = next((child for child in element if child.tag.removeprefix(_SVG) in _SHAPES), None)
    if shape is not None and label:
        ElementTree.SubElement(shape, f"{_SVG}title").text = label


def _is_idle_layer(element: ElementTree.Element) -> bool:
    """Return whether a layer waits for scripts, or is the one for dots in a chart without dots."""
    classes = set((element.get("class") or "").split())
    return bool(classes & _LAYERS_OF_SCRIPTS) or (
        "overlay" in classes and not any(part.tag.removeprefix(_SVG) in _SHAPES for part in element.iter())
    )
