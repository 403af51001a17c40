"""The layout from above as a page: every agent can be found, clicked and taken into the shot file by its id."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import numpy.typing as npt

from assets.people.characters import spoken
from assets.preview.figures import Crowd
from assets.preview.topview import CAMERA, Chart, arrow, grid_lines, walkers

PATH_POINTS = 24  # of a walked way; a straight march needs no more


def svg(chart: Chart) -> str:
    """The chart as one <svg>, metres as units; each agent an element with data-id and a title."""
    x0, z0, x1, z1 = chart.bounds
    uprights, levels = grid_lines(chart)
    lines = [f'<path d="M{_n(x)} {_n(z0)}V{_n(z1)}"/>' for x in uprights]
    lines += [f'<path d="M{_n(x0)} {_n(z)}H{_n(x1)}"/>' for z in levels]
    numbers = [f'<text x="{_n(x + 0.3)}" y="{_n(z1 - 0.5)}">{x:g}</text>' for x in uprights]
    numbers += [f'<text x="{_n(x0 + 0.3)}" y="{_n(z - 0.3)}">{z:g} m</text>' for z in levels]
    zones = [
        f'<polygon class="zone" points="{_points(corners)}" fill="{_css(colour)}" stroke="{_css(colour)}">'
        f"<title>{escape(name)}</title></polygon>"
        for name, corners in chart.zones.items()
        for colour in [chart.colours.get(name, CAMERA)]
    ]
    fields = [
        f'<polyline points="{_points(edge)}"/>' for view in chart.views for edge in (view[:2], view[2:])
    ]  # first and last frame
    (cx, cz) = chart.centres[0]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_n(x0)} {_n(z0)} {_n(x1 - x0)} {_n(z1 - z0)}">',
            f'<rect x="{_n(x0)}" y="{_n(z0)}" width="{_n(x1 - x0)}" height="{_n(z1 - z0)}" fill="#1a1c1f"/>',
            f'<g fill="none" stroke="#34373c" stroke-width="{_n((z1 - z0) / 1500)}">',
            *lines,
            "</g>",
            f'<g fill="#888a8e" font-family="sans-serif" font-size="{_n((z1 - z0) / 90)}">',
            *numbers,
            "</g>",
            '<g fill-opacity="0.14" stroke-width="0.12">',
            *zones,
            "</g>",
            f'<g fill="none" stroke="{_css(CAMERA)}" stroke-width="0.2">',
            *fields,
            f'<polyline points="{_points(chart.centres)}" stroke-width="0.4"/>',
            f'<circle cx="{_n(cx)}" cy="{_n(cz)}" r="0.4" fill="{_css(CAMERA)}"/>',
            "</g>",
            '<g fill="none" stroke-width="0.06" stroke-opacity="0.55">',
            *_ways(chart),
            "</g>",
            f'<g font-family="sans-serif" font-weight="600" text-anchor="middle" font-size="{_n((z1 - z0) / 70)}">',
            *_zone_names(chart),
            "</g>",
            '<g id="agents">',
            *_agents(chart),
            "</g>",
            "</svg>",
        ]
    )


def page(chart: Chart, movie: str) -> str:
    """The whole page; needs no other file but the movie, named relative to it ("": none)."""
    crowd = chart.crowd
    swatches = "".join(
        f'<label><input type="checkbox" checked data-hides="{escape(zone, quote=True)}">'
        f'<i style="background:{_css(colour)}"></i>{escape(zone)} <small>{crowd.zones.count(zone)}</small></label>'
        for zone, colour in chart.colours.items()
    )
    facts = {
        "characters": sorted(set(map(spoken, crowd.characters))),
        "motions": sorted(crowd.motion_names),
    }
    film = f'<video src="{escape(movie, quote=True)}" controls loop muted playsinline></video>' if movie else ""
    words = {
        "TITLE": escape(chart.title),
        "COUNT": str(len(crowd.ids)),
        "FIRST": str(chart.frames[0]),
        "FRAMES": f"{chart.frames[0]}-{chart.frames[1]}",
        "ZONES": swatches,
        "FILM": film,
        "SVG": svg(chart),
        "FACTS": json.dumps(facts, sort_keys=True).replace("</", "<\\/"),
        "GRID": str(chart.grid_m),
    }
    text = _PAGE
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


def _agents(chart: Chart) -> list[str]:
    crowd = chart.crowd
    return [
        f'<path data-id="{crowd.ids[i]}" data-zone="{escape(crowd.zones[i], quote=True)}" '
        f'data-name="{escape(crowd.names[i], quote=True)}" data-character="{escape(spoken(crowd.characters[i]), quote=True)}" '
        f'data-motion="{escape(crowd.motion(0, i), quote=True)}" data-x="{x:.2f}" data-z="{z:.2f}" '
        f'data-facing="{np.degrees(crowd.yaws[0, i]) % 360:.0f}" data-scale="{crowd.scales[i]:.3f}" '
        f'fill="{_css(chart.colours[crowd.zones[i]])}" '
        f'd="M{"L".join(f"{px:.2f} {pz:.2f}" for px, pz in arrow(x, z, crowd.yaws[0, i], crowd.scales[i]))}Z">'
        f"<title>{crowd.ids[i]} {escape(about(crowd, 0, i))}</title></path>"
        for i, (x, _, z) in enumerate(crowd.positions[0])
    ]


def _zone_names(chart: Chart) -> list[str]:
    """Each one below its people."""
    names = []
    for zone, colour in chart.colours.items():
        plan = chart.crowd.positions[0][np.array(chart.crowd.zones) == zone][:, [0, 2]]
        drop = (chart.bounds[3] - chart.bounds[1]) / 45
        x, z = plan[:, 0].mean(), plan[:, 1].max() + drop
        names.append(f'<text x="{_n(x)}" y="{_n(z)}" fill="{_css(colour)}">{escape(zone)}</text>')
    return names


def about(crowd: Crowd, row: int, agent: int) -> str:
    """Who an agent is, in one line: name, character, motion on the layout's frame `row`."""
    return f"{crowd.names[agent]}, {spoken(crowd.characters[agent])}, {crowd.motion(row, agent)}"


def _ways(chart: Chart) -> list[str]:
    crowd = chart.crowd
    rows = np.unique(np.linspace(0, len(crowd.positions) - 1, PATH_POINTS).astype(int))
    return [
        f'<polyline points="{_points(crowd.positions[rows, i][:, [0, 2]])}" '
        f'stroke="{_css(chart.colours[crowd.zones[i]])}"/>'
        for i in walkers(crowd)
    ]


def _points(corners: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{x:.2f},{z:.2f}" for x, z in corners)


def _css(colour: tuple[int, ...]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _n(value: float) -> str:
    return f"{value:.2f}"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>@TITLE@ crowd</title>
<style>
:root { color-scheme: dark }
body { margin: 0; display: grid; grid-template-columns: minmax(0, 1fr) 430px; height: 100vh;
  background: #101113; color: #deded9; font: 14px/1.45 system-ui, sans-serif }
#map { position: relative; overflow: hidden; cursor: grab } #map.held { cursor: grabbing }
svg { width: 100%; height: 100%; display: block }
#agents path { cursor: pointer } #agents path:hover { fill: #fff }
#agents path.chosen { fill: #fff; stroke: #ff5c5c; stroke-width: 0.25; paint-order: stroke }
aside { overflow: auto; padding: 16px 18px; border-left: 1px solid #2c2f34 }
h1 { font-size: 18px; margin: 0 0 2px } h2 { font-size: 13px; margin: 18px 0 6px; color: #9a9ca0; font-weight: 600 }
small, .faint { color: #9a9ca0 } label { display: inline-block; margin: 0 12px 4px 0; white-space: nowrap }
i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin: 0 5px 0 3px }
video { width: 100%; display: block; background: #000 }
input[type=search], select, textarea, button { font: inherit; color: inherit; background: #1d2024;
  border: 1px solid #3a3e44; border-radius: 4px; padding: 5px 8px }
input[type=search] { width: 100%; box-sizing: border-box } textarea { width: 100%; box-sizing: border-box;
  height: 104px; font: 13px/1.45 ui-monospace, monospace; resize: vertical }
dl { display: grid; grid-template-columns: 90px 1fr; margin: 0 0 8px } dt { color: #9a9ca0 } dd { margin: 0 }
#said { min-height: 1.4em; color: #9fd68a }
</style></head><body>
<div id="map">
@SVG@
</div>
<aside>
<h1>@TITLE@</h1>
<div class="faint">@COUNT@ people, frames @FRAMES@, grid @GRID@ m. Up: where the first camera looks. Red: the camera's
path, its view at the first and last frame. Wheel: closer; drag: along; double click: all.</div>
<h2>Zones</h2><div id="zones">@ZONES@</div>
<h2>Find</h2><input id="find" type="search" placeholder="id or name, then Enter" aria-label="id or name">
<h2>Picked</h2>
<dl id="facts"><dt></dt><dd class="faint">Click somebody on the map.</dd></dl>
<div id="edit" hidden>
<select id="change" aria-label="what to change"></select>
<button id="copy">Copy</button>
<p><textarea id="toml" spellcheck="false" aria-label="lines for the shot file"></textarea></p>
</div>
<div id="said" role="status"></div>
<h2>Movie</h2>@FILM@
<div class="faint">Who is at a pixel of the plate: <code>battleplate crowd pick SHOT.toml --frame @FIRST@ --at X,Y</code>
</div>
</aside>
<script>
"use strict";
const facts = @FACTS@;
const $ = (id) => document.getElementById(id);
const map = $("map"), drawing = map.querySelector("svg"), all = drawing.getAttribute("viewBox").split(" ").map(Number);
let box = all.slice(), chosen = null, from = null, moved = false;
const agents = [...document.querySelectorAll("[data-id]")];
const look = () => drawing.setAttribute("viewBox", box.join(" "));
const place = (event) => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
  return [at.x, at.y];
};
const changes = (a) => [["", "id only"], ["remove = true", "remove"], ["move_m = [0.5, 0.0]", "move (x, z metres)"],
  ["facing_deg = " + a.facing, "turn (0: +Z, 90: +X)"], ["scale = " + Number(a.scale), "size"],
  ...facts.characters.filter((c) => c !== a.character).map((c) => ['character = "' + c + '"', "be a " + c]),
  ...facts.motions.filter((m) => m !== a.motion).map((m) => ['motion = "' + m + '"', "do: " + m])];
const write = () => {
  const a = chosen.dataset, line = $("change").value;
  $("toml").value = "[[crowd.overrides]] # " + a.name + ", " + a.character + ", " + a.motion + "\\nid = " + a.id
    + (line ? "\\n" + line : "") + "\\n";
};
const copy = async () => {
  const text = $("toml").value;
  let copied = true;
  try { await navigator.clipboard.writeText(text); }
  catch (refused) { $("toml").select(); copied = document.execCommand("copy"); } // not every page may write there
  $("said").textContent = copied ? "Copied: paste it into the shot file." : "Copy these lines into the shot file.";
};
const choose = (agent, far) => {
  if (chosen) chosen.classList.remove("chosen");
  chosen = agent; agent.classList.add("chosen");
  const a = agent.dataset, rows = [["id", a.id], ["name", a.name], ["zone", a.zone], ["character", a.character],
    ["motion", a.motion], ["stands at", a.x + ", " + a.z + " m (x, z)"], ["faces", a.facing + " degrees"],
    ["size", a.scale]];
  $("facts").replaceChildren(...rows.flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name; dd.textContent = value; return [dt, dd];
  }));
  $("change").replaceChildren(...changes(a).map(([value, text]) => new Option(text, value)));
  $("edit").hidden = false; write(); copy();
  if (far) { const w = all[2] / 5, h = all[3] / 5; box = [a.x - w / 2, a.z - h / 2, w, h]; look(); }
};
map.addEventListener("click", (event) => {
  const agent = event.target.closest("[data-id]");
  if (agent && !moved) choose(agent, false);
});
map.addEventListener("pointerdown", (event) => { from = place(event); moved = false; });
window.addEventListener("pointermove", (event) => {
  if (!from) return;
  const to = place(event), dx = from[0] - to[0], dy = from[1] - to[1];
  if (!moved && Math.hypot(dx, dy) < box[2] / 150) return;
  moved = true; map.classList.add("held"); box[0] += dx; box[1] += dy; look();
});
window.addEventListener("pointerup", () => { from = null; map.classList.remove("held"); });
map.addEventListener("wheel", (event) => {
  event.preventDefault();
  const [x, y] = place(event), factor = Math.exp(event.deltaY * 0.0015);
  box = [x + (box[0] - x) * factor, y + (box[1] - y) * factor, box[2] * factor, box[3] * factor]; look();
}, { passive: false });
map.addEventListener("dblclick", () => { box = all.slice(); look(); });
$("zones").addEventListener("change", (event) => {
  for (const agent of agents) {
    if (agent.dataset.zone === event.target.dataset.hides) agent.style.display = event.target.checked ? "" : "none";
  }
});
$("find").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const word = event.target.value.trim(), found = agents.find((a) => a.dataset.id === word || a.dataset.name === word);
  if (found) choose(found, true); else $("said").textContent = "Nobody is called " + word + ".";
});
$("change").addEventListener("change", () => { write(); copy(); });
$("copy").addEventListener("click", copy);
if (location.hash) { const a = agents.find((one) => "#" + one.dataset.id === location.hash); if (a) choose(a, true); }
</script>
</body></html>
"""
