"""Every process once more, slowly: plain loops over single cells, to be read and to be compared with.

Nothing here is shared with the package but its data (the compiled biology, the columns, the addressed draws). A
`World` is a tissue unpacked into dictionaries; the functions below say what each process does to it, and return
what it asks for.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from tme_abm.biology import Biology
from tme_abm.biology.compiled import Term
from tme_abm.core import draws
from tme_abm.kernels.space import direction_weights
from tme_abm.tissue import Tissue

At = tuple[int, ...]
MOLECULES_PER_NM_UM3 = 0.602214076


@dataclass
class Cell:
    """One cell: its type by name, its place, whether it lives, and all its columns."""

    key: int
    name: str
    at: At
    alive: bool
    columns: dict[str, Any]


class World:
    """A tissue for people."""

    def __init__(self, tissue: Tissue, biology: Biology) -> None:
        self.tissue, self.biology = tissue, biology
        self.shape = tissue.lattice.shape
        self.spacing = tissue.lattice.spacing
        self.now = tissue.clock.step * tissue.clock.dt
        self.cells = []
        for row in range(len(tissue.cells)):
            columns = {name: tissue.cells[name][row].item() for name in tissue.cells.columns}
            name = biology.cells[columns["kind"]]
            at = tuple(int(i) for i in np.unravel_index(columns["site"], self.shape))
            self.cells.append(Cell(columns["key"], name, at, columns["fate"] == 0, columns))
        self.by_key = {cell.key: cell for cell in self.cells}
        self.places: dict[tuple[str, At], Cell] = {(self.layer(cell.name), cell.at): cell for cell in self.cells}
        self.vessels = [tuple(int(i) for i in np.unravel_index(site, self.shape)) for site in tissue.vessels]

    # ------------------------------------------------------------- geometry

    def around(self, at: At) -> list[At]:
        """Moore neighbors, in the order of directions; those beyond the wall are among them."""
        steps = itertools.product((-1, 0, 1), repeat=len(self.shape))
        return [tuple(i + d for i, d in zip(at, step, strict=True)) for step in steps if any(step)]

    def inside(self, at: At) -> bool:
        return all(0 <= i < n for i, n in zip(at, self.shape, strict=True))

    def site(self, at: At) -> int:
        number = 0
        for i, n in zip(at, self.shape, strict=True):
            number = number * n + i
        return number

    def layer(self, name: str) -> str:
        return self.biology.layer[self.biology.cell_index[name]]

    def draw(self, stream: str, key: int, lane: int = 0) -> float:
        keys = np.array([key], dtype=np.uint64)
        return float(draws.uniform(self.tissue.seed, stream, self.tissue.clock.step, keys, lane)[0])

    def happens(self, stream: str, rate: float, key: int, dt: float, lane: int = 0) -> bool:
        return self.draw(stream, key, lane) < 1 - math.exp(-rate * dt)

    def living(self, name: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.alive and cell.name == name]

    def has_tumor(self, at: At, *, dead_too: bool = False) -> bool:
        cell = self.places.get(("tissue", at))
        tumor = {prey for hunted in self.biology.hunts for prey in hunted}
        if cell is None or self.biology.cell_index[cell.name] not in tumor:
            return False
        return cell.alive or dead_too

    def in_territory(self, at: At) -> bool:
        held = sum(self.has_tumor(there, dead_too=True) for there in (at, *self.around(at)))
        return held / 3 ** len(self.shape) > 0.5

    # ------------------------------------------------------------- sensing

    def concentration(self, molecule: str, at: At) -> float:
        made = float(self.tissue.fields[molecule][at]) if molecule in self.tissue.fields else 0.0
        medium = np.broadcast_to(self.tissue.controls.held.get(molecule, 0.0), math.prod(self.shape))
        return (made + float(medium[self.site(at)])) * self.tissue.controls.free.get(molecule, 1.0)

    def shown(self, molecule: str, at: At, me: Cell | None) -> float:
        """Mean level of a contact molecule that others show on the sites in contact."""
        total = 0.0
        for place in [at, *self.around(at)]:
            for layer in ("tissue", "immune"):
                cell = self.places.get((layer, place))
                if cell is not None and cell.alive and cell is not me:
                    total += cell.columns[f"expression {molecule}"]
        return total / 3 ** len(self.shape) * self.tissue.controls.free.get(molecule, 1.0)

    def level(self, molecule: str, at: At, me: Cell | None) -> float:
        if molecule in self.biology.contact_index:
            return self.shown(molecule, at, me)
        return self.concentration(molecule, at)

    def occupied(self, receptor: str, name: str, at: At, me: Cell | None, diffusing_only: bool = False) -> float:
        number, kind = self.biology.receptor_index[receptor], self.biology.cell_index[name]
        bound = 0.0
        for ligand, dissociation in self.biology.receptors[number].ligands:
            if not (diffusing_only and ligand in self.biology.contact_index):
                bound += self.level(ligand, at, me) / dissociation
        controls = self.tissue.controls
        occupied = bound / (1 + bound + controls.inhibition[kind, number])
        return float(occupied * controls.free_receptor[kind, number])

    def sense(self, number: int, name: str, at: At, me: Cell | None) -> float:
        """Signal `number` as a cell called `name` feels it at a place; `me` is None for one that is in the blood."""
        signal = self.biology.signals[number]
        if signal.kind in ("concentration", "level"):
            return self.level(signal.name, at, me)
        if signal.kind == "occupancy":
            return self.occupied(signal.name, name, at, me)
        if signal.kind == "contact":
            met = [self.places.get((layer, p)) for p in [at, *self.around(at)] for layer in ("tissue", "immune")]
            if signal.name == "dead":
                count = sum(cell is not None and not cell.alive and cell is not me for cell in met)
            else:
                count = sum(
                    cell is not None and cell.alive and cell.name == signal.name and cell is not me for cell in met
                )
            return count / 3 ** len(self.shape)
        if signal.kind == "own":
            column = f"expression {signal.name}" if signal.name in self.biology.contact_index else signal.name
            return me.columns[column] if me else float(self.tissue.cells.columns[column].default)
        if signal.kind == "crowding":
            return sum(("tissue", p) in self.places for p in [at, *self.around(at)]) / 3 ** len(self.shape)
        if signal.kind == "exposure":
            return me.columns[f"exposure {signal.name} {signal.memory!r}"] if me else 0.0
        if signal.kind == "arrival":
            return self.now - me.columns["born"] if me else 0.0
        assert signal.kind == "matrix"
        return float(self.tissue.matrix[self.site(at)])

    # ------------------------------------------------------------- responding

    def behavior(self, name: str, behavior: str, at: At, me: Cell | None) -> float:
        """Joint Hill: what increases pulls on the base, what decreases pulls on the result, the scale multiplies."""
        kind, number = self.biology.cell_index[name], self.biology.behavior_index[behavior]
        family, _, product = behavior.partition(" ")
        if family in ("secretion", "expression") and (kind, product) in self.tissue.controls.silenced:
            return 0.0
        if (kind, behavior) in self.tissue.controls.fixed:
            return self.tissue.controls.fixed[kind, behavior]
        programs = [p for p in self.biology.programs if (p.cell, p.behavior) == (kind, number)]
        if not programs:
            return float(self.biology.base[kind, number])
        (program,) = programs

        def weight(term: Term) -> float:
            left = 1.0
            for pathway in term.pathway:
                left *= self.tissue.controls.signaling.get((kind, pathway), 1.0)
            return left * (self.sense(term.signal, name, at, me) / term.half_max) ** term.hill

        ups = [(weight(term), term.towards) for term in program.ups]
        downs = [(weight(term), term.towards) for term in program.downs]
        value = (program.base + sum(w * t for w, t in ups)) / (1 + sum(w for w, _ in ups))
        value = (value + sum(v * t for v, t in downs)) / (1 + sum(v for v, _ in downs))
        if program.scale:
            gate = weight(program.scale)
            value *= gate / (1 + gate)
        return value

    def of(self, cell: Cell, behavior: str) -> float:
        return self.behavior(cell.name, behavior, cell.at, cell)


def remodeled(world: World, dt: float) -> dict[At, float]:
    """The matrix at every place: cells lay it down and cut it on the sites around them, proteases digest it."""
    sites = 3 ** len(world.shape) * world.spacing**3
    rates = {place: [0.0, 0.0] for place in np.ndindex(*world.shape)}
    for cell in world.cells:
        for there in (cell.at, *world.around(cell.at)):
            if cell.alive and world.inside(there):
                rates[there][0] += world.of(cell, "deposition") / sites
                rates[there][1] += world.of(cell, "proteolysis") / sites
    found = {}
    for place, (laid, cut) in rates.items():
        cut += sum(m.digestion * world.concentration(m.name, place) for m in world.biology.molecules)
        before = float(world.tissue.matrix[world.site(place)])
        found[place] = before
        if laid + cut > 0:
            rest = laid / (laid + cut)
            found[place] = rest + (before - rest) * math.exp(-(laid + cut) * dt)
    return found


# ------------------------------------------------------------------- states


def score(world: World, column: str, up: str, down: str, dt: float) -> dict[int, float]:
    """Polarization, activation or exhaustion after the step: it goes to up / (up + down) exponentially."""
    after = {}
    for cell in world.cells:
        now = cell.columns[column]
        if cell.alive:
            rise, fall = world.of(cell, up), world.of(cell, down)
            if rise + fall > 0:
                rest = rise / (rise + fall)
                now = rest + (now - rest) * math.exp(-(rise + fall) * dt)
        after[cell.key] = now
    return after


def expression(world: World, molecule: str, dt: float) -> dict[int, float]:
    turnover = world.biology.contacts[world.biology.contact_index[molecule]].turnover
    behavior = f"expression {molecule}"
    after = {}
    for cell in world.cells:
        now = cell.columns[behavior]
        kind, number = world.biology.cell_index[cell.name], world.biology.behavior_index.get(behavior)
        makes = number is not None and (
            world.biology.base[kind, number] != 0
            or any((p.cell, p.behavior) == (kind, number) for p in world.biology.programs)
        )
        if cell.alive and makes:
            asked = world.of(cell, behavior)
            now = asked if turnover is None else asked + (now - asked) * math.exp(-turnover * dt)
        after[cell.key] = now
    return after


def exposure(world: World, molecule: str, memory: float, dt: float) -> dict[int, float]:
    after = {}
    for cell in world.cells:
        now = cell.columns[f"exposure {molecule} {memory!r}"]
        touch = molecule in world.biology.contact_index
        if cell.alive and (not touch or cell.name in _listeners(world, molecule, memory)):
            level = world.level(molecule, cell.at, cell)
            now = level + (now - level) * math.exp(-dt / memory)
        after[cell.key] = now
    return after


def _listeners(world: World, molecule: str, memory: float) -> set[str]:
    """The types with a rule on an exposure, and those that become one of them, in one turn or more."""
    listen = set()
    for program in world.biology.programs:
        for term in (*program.ups, *program.downs, program.scale):
            heard = world.biology.signals[term.signal] if term else None
            if heard and (heard.kind, heard.name, heard.memory) == ("exposure", molecule, memory):
                listen.add(world.biology.cells[program.cell])
    for _ in world.biology.cells:
        for name in world.biology.cells:
            if any(f"differentiation {other}" in world.biology.behavior_index
                   and _ever(world, name, f"differentiation {other}") for other in listen):
                listen.add(name)
    return listen


def healing(world: World, dt: float) -> dict[int, float]:
    return {
        cell.key: cell.columns["damage"] * (math.exp(-world.of(cell, "healing") * dt) if cell.alive else 1.0)
        for cell in world.cells
    }


# ------------------------------------------------------------------- killing


def _killers(world: World) -> list[Cell]:
    return [cell for cell in world.cells if cell.alive and world.biology.sees[world.biology.cell_index[cell.name]]]


def _targets(world: World, killer: Cell) -> list[tuple[Cell | None, float]]:
    """Who is on the sites in contact, own site first, and how visible each is to this killer."""
    kind = world.biology.cell_index[killer.name]
    found: list[tuple[Cell | None, float]] = []
    for place in [killer.at, *world.around(killer.at)]:
        other = world.places.get(("tissue", place))
        visible = 0.0
        if other is not None and other.alive and world.biology.cell_index[other.name] in world.biology.hunts[kind]:
            visible = world.of(other, f"{world.biology.sees[kind]} visibility")
        found.append((other, visible))
    return found


def binding(world: World, dt: float) -> dict[int, tuple[int, float]]:
    """(partner, binding) of every cell after the step."""
    after = {cell.key: (cell.columns["partner"], cell.columns["binding"]) for cell in world.cells}
    for killer in _killers(world):
        partner, strength = killer.columns["partner"], 0.0
        targets = _targets(world, killer)
        for other, visible in targets:
            if other is not None and partner and other.key == partner:
                strength = visible
        released = strength > 0 and world.happens("detachment", world.of(killer, "detachment"), killer.key, dt)
        if strength <= 0 or released:
            partner, strength = 0, 0.0
        total = sum(visible for _, visible in targets)
        on, off = world.of(killer, "binding") * total, world.of(killer, "detachment")
        # Bound and free are two states: what may happen more than once in a step is in these chances.
        mixed = (1 - math.exp(-(on + off) * dt)) / (on + off)
        chance = 1 - off * mixed / (1 - math.exp(-off * dt)) if released else on * mixed
        if not partner and world.draw("binding", killer.key) < chance:
            mark = world.draw("target", killer.key) * total
            for other, visible in targets:
                mark -= visible
                if mark < 0:
                    assert other is not None
                    partner, strength = other.key, visible
                    break
        after[killer.key] = (partner, strength)
    return after


def killing(world: World, dt: float) -> tuple[dict[int, float], set[int]]:
    """Damage after the hits of the step, and who dies of it."""
    damage = {cell.key: cell.columns["damage"] for cell in world.cells}
    for killer in _killers(world):
        if killer.columns["partner"]:
            mean = world.of(killer, "attack") * killer.columns["binding"] * dt
            damage[killer.columns["partner"]] += poisson(world.draw("hits", killer.key), mean)
    hunted = {world.biology.cells[prey] for hunts in world.biology.hunts for prey in hunts}
    dying = set()
    for cell in world.cells:
        if cell.alive and cell.name in hunted:
            lethal = world.of(cell, "lethal damage")
            if lethal > 0 and damage[cell.key] >= lethal:
                dying.add(cell.key)
    return damage, dying


def poisson(uniform: float, mean: float) -> int:
    """The smallest count whose cumulative probability is above `uniform`."""
    count, term = 0, math.exp(-mean)
    total = term
    while total <= uniform:
        count += 1
        term *= mean / count
        total += term
    return count


# ------------------------------------------------------------------- fates


def dying(world: World, behavior: str, dt: float) -> set[int]:
    """Keys of those that die of apoptosis or necrosis."""
    return {c.key for c in world.cells if c.alive and world.happens(behavior, world.of(c, behavior), c.key, dt)}


def cleared(world: World, dt: float) -> set[int]:
    return {
        c.key
        for c in world.cells
        if not c.alive and world.happens("clearance", world.of(c, "clearance"), c.key, dt)
    }


def division(world: World, dt: float) -> tuple[dict[int, float], set[int]]:
    """Phase of every cell, and who asks for a daughter."""
    phase, mothers = {}, set()
    for cell in world.cells:
        now = cell.columns["phase"]
        divides = cell.alive and _ever(world, cell.name, "division")
        if divides:
            if now < 1:
                now += world.of(cell, "division") * dt
            if now >= 1:
                mothers.add(cell.key)
        phase[cell.key] = now
    return phase, mothers


def _ever(world: World, name: str, behavior: str) -> bool:
    kind, number = world.biology.cell_index[name], world.biology.behavior_index[behavior]
    ruled = any((p.cell, p.behavior) == (kind, number) for p in world.biology.programs)
    return ruled or bool(world.biology.base[kind, number] != 0)


def differentiation(world: World, dt: float) -> dict[int, str]:
    """Name of every cell's type after the step."""
    after = {}
    for cell in world.cells:
        name = cell.name
        for behavior in world.biology.behaviors:
            family, _, target = behavior.partition(" ")
            if family == "differentiation" and cell.alive:
                lane = world.biology.cell_index[target]
                if world.happens("differentiation", world.of(cell, behavior), cell.key, dt, lane):
                    name = target
        after[cell.key] = name
    return after


# ------------------------------------------------------------------- recruitment, transport


def recruitment(
    world: World, pools: dict[str, tuple[float, float, float]], dt: float
) -> tuple[dict[str, float], dict[tuple[str, int], int], dict[tuple[str, int], float]]:
    """Pools (given as rest, renewal, loss) after renewal; how many of each kind leave at each vessel, and the share of
    them that were called.
    """
    level = {}
    for name, (rest, renewal, loss) in pools.items():
        now = world.tissue.pools[name].item()
        level[name] = rest + (now - rest) * math.exp(-(loss if now > rest else renewal) * dt)
    arriving, called = {}, {}
    for kind, name in enumerate(world.biology.cells):
        pool = world.biology.pool[kind]
        if world.layer(name) != "immune" or pool not in pools:
            continue
        for at in world.vessels:
            base, number = world.biology.base, world.biology.behavior_index
            rate, quiet = world.behavior(name, "extravasation", at, None), base[kind, number["extravasation"]]
            for other in world.biology.cells:
                if world.layer(other) == "vessel":
                    rate *= world.behavior(other, "adhesion", at, None)
                    quiet *= base[world.biology.cell_index[other], number["adhesion"]]
            mine = (kind, number["extravasation"])
            if any((p.cell, p.behavior) == mine and p.scale for p in world.biology.programs):
                quiet = 0.0  # a scale is zero where nothing is sensed
            called[name, world.site(at)] = max(1 - quiet / rate, 0.0) if rate else 0.0
            rate *= level[pool] / pools[pool][0]
            if world.in_territory(at):
                rate *= world.behavior(name, "infiltration", at, None)
            count = poisson(world.draw("recruitment", world.site(at) * 256 + kind), rate * dt)
            if count:
                arriving[name, world.site(at)] = count
    return level, arriving, called


def sources(world: World, stroma: dict[str, float]) -> tuple[dict[str, dict[At, float]], dict[str, dict[At, float]]]:
    """Production [nM/min] and uptake [1/min] by molecule and place."""
    volume = world.spacing**3
    made: dict[str, dict[At, float]] = defaultdict(lambda: defaultdict(float))
    taken: dict[str, dict[At, float]] = defaultdict(lambda: defaultdict(float))
    controls = world.tissue.controls
    for behavior in world.biology.behaviors:
        family, _, molecule = behavior.partition(" ")
        if family != "secretion":
            continue
        for cell in world.cells:
            if cell.alive:
                made[molecule][cell.at] += world.of(cell, behavior) / (volume * MOLECULES_PER_NM_UM3)
        for name in world.biology.cells:
            if world.layer(name) == "vessel":
                for at in world.vessels:
                    made[molecule][at] += world.behavior(name, behavior, at, None) / (volume * MOLECULES_PER_NM_UM3)
    for column, molecule in enumerate(world.biology.molecules):
        for cell in world.cells:
            if cell.alive:
                clearance = world.biology.uptake[world.biology.cell_index[cell.name], column]
                full = world.tissue.fields[molecule.name][cell.at] / molecule.saturation if clearance else 0.0
                taken[molecule.name][cell.at] += clearance / volume / (1 + full)
        level, exchange = controls.blood.get(molecule.name, (molecule.level, molecule.exchange))
        for at in world.vessels:
            taken[molecule.name][at] += exchange
            made[molecule.name][at] += exchange * level
        for at in np.ndindex(*world.shape):
            made[molecule.name][at] += controls.bath.get(molecule.name, 0.0)
            if not world.has_tumor(at):
                made[molecule.name][at] += stroma.get(molecule.name, 0.0)
    for name, sites, rate in controls.depots:
        for site in sites:
            at = tuple(int(i) for i in np.unravel_index(site, world.shape))
            made[name][at] += rate / len(sites) / (volume * MOLECULES_PER_NM_UM3)
    return made, taken


# ------------------------------------------------------------------- migration


def migration(world: World, dt: float) -> dict[int, tuple[At, int]]:
    """Place and heading of every cell after all hops of the step."""
    walkers = [
        cell
        for cell in world.cells
        if cell.alive
        and world.layer(cell.name) == "immune"
        and _ever(world, cell.name, "speed")
        and not cell.columns["partner"]
    ]
    moving = ("speed", "persistence", "chemotaxis", "infiltration")
    traits = {walker.key: {behavior: world.of(walker, behavior) for behavior in moving} for walker in walkers}
    fastest = max((traits[w.key]["speed"] for w in walkers), default=0.0)
    hops = math.ceil(fastest * dt / world.spacing)
    at = {cell.key: cell.at for cell in world.cells}
    heading = {cell.key: cell.columns["heading"] for cell in world.cells}
    taken = {cell.at for cell in world.cells if world.layer(cell.name) == "immune"}
    tumor = {at for at in np.ndindex(*world.shape) if world.in_territory(at)}
    for hop in range(hops):
        wishes: dict[At, list[tuple[float, int]]] = defaultdict(list)
        for walker in walkers:
            wish = _wish(world, walker, traits[walker.key], at[walker.key], heading, taken, tumor, dt / hops, hop)
            if wish is not None:
                wishes[wish].append((world.draw("priority", walker.key, hop), walker.key))
        for place, contenders in wishes.items():
            winner = min(contenders)[1]
            for _, key in contenders:
                if key == winner:
                    taken = (taken - {at[key]}) | {place}
                    at[key] = place
                else:
                    heading[key] = -1
    return {key: (at[key], heading[key]) for key in at}


def _wish(
    world: World,
    walker: Cell,
    traits: dict[str, float],
    here: At,
    heading: dict[int, int],
    taken: set[At],
    tumor: set[At],
    dt: float,
    hop: int,
) -> At | None:
    """Where a walker goes in one hop if nobody else wants to; sets its heading."""
    around = world.around(here)
    lengths = [math.dist(here, there) * world.spacing for there in around]
    weights = [
        weight * math.exp(_pull(world, walker.name, traits["chemotaxis"] * world.spacing / length, here, there))
        for there, length, weight in zip(around, lengths, direction_weights(len(here)), strict=True)
    ]
    turning = keeps(traits["persistence"], dt) <= world.draw("migration", walker.key, 3 * hop + 1)
    if turning or heading[walker.key] < 0:
        mark = world.draw("migration", walker.key, 3 * hop) * sum(weights)
        for direction, weight in enumerate(weights):
            mark -= weight
            if mark < 0:
                heading[walker.key] = direction
                break
    there, length = around[heading[walker.key]], lengths[heading[walker.key]]
    chance = traits["speed"] * dt / length
    if there in tumor and here not in tumor:
        chance *= traits["infiltration"]
    if there in taken or not world.inside(there):
        heading[walker.key] = -1
        return None
    return there if world.draw("migration", walker.key, 3 * hop + 2) < chance else None


def keeps(persistence: float, dt: float) -> float:
    """Chance to keep the heading for one hop: the hops of a run add up to the persistence."""
    return persistence / (persistence + dt)


def _pull(world: World, name: str, gain: float, here: At, there: At) -> float:
    if not world.inside(there):
        return 0.0
    kind = world.biology.cell_index[name]
    climb = 0.0
    for number, receptor in enumerate(world.biology.receptors):
        weight = world.biology.chemotaxis[kind, number]
        if weight:
            up = world.occupied(receptor.name, name, there, None, diffusing_only=True)
            climb += weight * (up - world.occupied(receptor.name, name, here, None, diffusing_only=True))
    return gain * climb
