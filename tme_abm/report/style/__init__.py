"""How reports, page and terminal look: numbers as text, colors, scales and ticks, charts, and pages from templates.

`numbers`, `palette` and `svg` need neither matplotlib nor Pillow.
"""
