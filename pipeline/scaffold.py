"""Begin a show: a commented show.toml and shot.toml."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import ConfigError

SHOW = """\
# What every shot of the show shares. Settings here may be overridden in a shot file.

[show]
name = "{name}"
build = "build"          # where results are kept: may be deleted at any time, is made again

[policy]
providers = ["builtin"]  # who may be asked to generate; nothing leaves this machine unless it is named here

# [providers.farm]       # who they are: docs/providers.md explains every key. A shot asks them by name, in order of
# kind = "comfyui"       # preference: [crowd] provider = ["farm", "builtin"]
# url = "http://127.0.0.1:8188"
# workflow = "workflows/people.json"
# [providers.cloud]
# kind = "bedrock"       # keys come from AWS's own configuration, never from here
# model = "stability.stable-image-control-structure-v1:0"
# usd_per_picture = 0.07
# most_usd = 50.0        # of the whole show; `battleplate providers ledger show.toml` tells what was spent

# People of the show's own stand in characters/NAME.toml beside this file: docs/characters.md. For another legionary:
#   extends = "legionary"  # what ships and is not said otherwise
#   name = "city_guard"    # as the file is called
#   version = 1
#   [palette]
#   tunic = [0.05, 0.12, 0.20]

# [delivery]             # sections and stage settings for all shots
# folder = "delivery"
# [output]
# compression = "zip"    # of the finished EXR frames: zip, zips, piz, zstd, htj2k256; or a lossy copy, dwaa:45
# [work]
# compression = "zips"   # of the layers between stages; lossless
# [stages.composite]
# light_wrap = 0.6
"""

SHOT = """\
# One shot. Run it with: battleplate run shot.toml

[shot]
name = "{name}_0010"     # letters, digits, '.', '_' and '-'
version = 1              # v001 in file names
first_frame = 1001       # the plate's first frame gets this number

[plate]
path = "plate.mov"       # a movie, a folder of frames, or a pattern such as plate.%04d.exr; relative to this file
# colorspace = "ARRI LogC3 (EI800)"  # OpenColorIO name; left out: by type of file, and said in the report
# frame_rate = "24000/1001"          # left out: the file's own

[camera]                 # what was written down on set; leave out what nobody knows
height_m = 1.6           # lens above the ground at the first frame: sets the scale of the world
# focal_mm = 35.0
# focal_sigma_mm = 0.5  # how far off it may be; left out: it is held
# sensor_width_mm = 36.0
shutter_deg = 180.0

[lens]                   # what is left out is measured in the plate; docs/lens-match.md
# f_number = 2.8
# focus_m = 12.0         # or keys: [[1001, 5.0], [1024, 34.0]]

[light]                  # where the sun stands, as the first frame's camera sees it
sun_azimuth_deg = 315    # 0 behind the camera, 90 from the right, 180 from ahead, 270 from the left
sun_elevation_deg = 35

# [mattes]               # a roto of the people in front, white = in front; left out: found automatically
# path = "roto.%04d.png" # or kind = "key" before a green or blue screen; docs/mattes.md explains every key

[crowd]
seed = 1
# dust = 0.4             # that feet raise: 0 none, 1 a dry field

[[crowd.zones]]          # one table per body of people; docs/crowd.md explains every key
name = "vanguard"
count = 120              # or density = 0.5, people per m2
polygon_px = [[300, 380], [660, 380], [700, 420], [260, 420]]  # on the ground, in pixels of the first frame
formation = "phalanx"    # phalanx, line, column, wedge, ring, path (with path_px) or loose
characters = {{ legionary = 3, spearman = 1 }}                   # name = weight
motion = "idle"          # or a mix: motions = {{ idle = 3, cheer = 1 }}
spacing_m = 1.2
# facing = "camera"      # or centre, outward, path; or facing_deg = 180.0
# start_frame = 1024     # until then they do what `waits` says (idle)
# wave = {{ towards_deg = 90, speed_mps = 6 }}                   # or ripple = {{ from_px = [480, 400], speed_mps = 6 }}
# start_spread_s = 0.8   # each begins up to so much late, by chance
# path_px = [[480, 400], [500, 330]]                           # who moves walks along it
# avoid = true           # and round the others; with side = 1 against side = 2 they meet and fight

# [[crowd.keep_out]]     # nobody is placed here
# polygon_px = [[420, 390], [470, 390], [470, 410], [420, 410]]

# [[crowd.overrides]]    # one agent, by its id; nobody else moves
# id = 100012
# remove = true          # or move_m = [0.5, 0.0], character, motion, facing_deg, scale

[[set.pieces]]           # what is built where the plate ends
name = "fortress"
kind = "fortress"
base_px = [620, 250]     # where the middle of its base is seen in the first frame
distance_m = 160.0       # from the camera along that pixel; 0: where the pixel meets the ground
width_m = 70.0
height_m = 16.0

# [[set.cards]]          # pictures with alpha for the far distance; docs/sets.md explains every key
# name = "mountains"
# picture = "art/mountains.exr"
# distance_m = 6000.0
# bearing_deg = 0.0      # to the right of where the first frame's camera looks
# width_deg = 60.0
# haze_m = 700.0         # metres of the plate's air before it

# [sky]                  # another sky than the plate's; docs/sky.md explains every key
# picture = "art/sky.exr" # a panorama; or model = "clear" (or "overcast"), by the sun of [light]
# yaw_deg = 0.0          # to the right of where the first frame's camera looks
# exposure_ev = 0.0      # against the plate's own sky

# [stages.composite]     # settings of a stage; `battleplate run --set composite.light_wrap_px=4` overrides them
# light_wrap = 0.6
"""


def begin_show(folder: Path) -> list[Path]:
    """Write show.toml and shot.toml into `folder`. Raises ConfigError rather than overwrite one."""
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in folder.resolve().name) or "show"
    files = {folder / "show.toml": SHOW, folder / "shot.toml": SHOT}
    for file in files:
        if file.exists():
            raise ConfigError(f"{file}: is there already and is left as it is. Choose another folder, or edit it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            file.write_text(text.format(name=name), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}). Choose another folder.") from error
    return list(files)
