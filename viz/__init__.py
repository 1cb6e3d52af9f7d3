"""The browser page: watch a tumor as under a microscope, change it while it lives, and keep what was seen.

`session` holds the running model of one browser tab and knows nothing of browsers; `frame` is what it shows, copied
at the end of a step, so that a picture never mixes two steps. `colorings` and `picture` turn frames into images,
`courses` into time courses, `closeup` says what a cell does and why, `texts` is the rest in words; `settings` turns
what a person sets into scenarios. Only `desk` (the state of a tab), `components`, `controls`, `forms` and `app` know
Solara. The page uses the public interface of `tme_abm` alone.
"""
