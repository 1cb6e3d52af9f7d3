"""The browser page: watch a tumor as under a microscope, change it while it lives, take home what was seen.

`session` holds the running model of one browser tab and knows nothing of browsers; `frame` is what it shows, copied
at the end of a step, so that a picture never mixes two steps, and `history` what was measured of all of them.
`colorings`, `raster`, `picture`, `charts` and `courses` turn frames into images, `settings` turns what a person sets
into scenarios, `closeup` says what a cell does and why, `texts` puts it into words, `files` makes what is
taken home. Only `desk`, `components`, `controls`, `forms` and `app` know Solara. The page uses the public interface of
`tme_abm` alone.
"""
