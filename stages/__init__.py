"""One file per step of a shot, in the order of SHOT."""

from __future__ import annotations

from stages.choose_light import choose_light
from stages.clean_plate import clean_plate
from stages.composite import composite
from stages.deliver import deliver
from stages.draw_sky import draw_sky
from stages.estimate_depth import estimate_depth
from stages.fit_grades import fit_grades
from stages.generate_crowd import generate_crowd
from stages.generate_hero import generate_hero
from stages.generate_near import generate_near
from stages.generate_set import generate_set
from stages.ingest import ingest
from stages.lay_out_crowd import lay_out_crowd
from stages.lay_out_set import lay_out_set
from stages.match_look import match_look
from stages.measure_light import measure_light
from stages.measure_look import measure_look
from stages.pull_mattes import pull_mattes
from stages.pull_sky import pull_sky
from stages.render_layers import render_layers
from stages.solve_camera import solve_camera
from stages.survey_ground import survey_ground
from stages.track_report import track_report

SHOT = (
    ingest,
    solve_camera,
    track_report,
    estimate_depth,
    pull_mattes,
    pull_sky,
    survey_ground,
    clean_plate,
    measure_light,
    choose_light,
    lay_out_crowd,
    lay_out_set,
    generate_crowd,
    generate_hero,
    generate_near,
    generate_set,
    render_layers,
    measure_look,
    fit_grades,
    match_look,
    draw_sky,
    composite,
    deliver,
)
