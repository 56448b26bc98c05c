"""Population: what each firm of a cell draws for itself, by counter, so that any firm's draw is found again.

A draw depends on (key, replicate, name of the parameter) alone: neither on other firms nor on how many are drawn.
A population composes with any design. With strata, survival is counted by quantile bins of what firms drew.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "mixed"
... years = 10
... replicates = 1_000
...
... [grid]
... misalignment = [0, 1]
...
... [population]
... execution = { beta = [2, 2] }
... unit_cost = { truncated_normal = [0.57, 0.02, 0.5, 0.64] }
... cash_buffer = { lognormal = { median = 10, sd_log = 0.4 } }
... strata = { execution = 3 }                         # weak, middling and strong firms
...
... [[population.correlation]]                         # strong firms are a little cheaper
... between = ["execution", "unit_cost"]
... rank = -0.3
...
... [record]
... firms = true                                       # firms.nc holds what each drew
... ''')
>>> study.population.distributions[0].words                # what is drawn; `firmfate check` prints it
'lognormal (median 10, sd_log 0.4), median 10, 5-95 % 5.18 to 19.3'
>>> ds = firmfate.run(study, into="runs/mixed", progress=False)
>>> ds.firms.sel(misalignment=1).values, ds.execution_upper.values.round(2)  # by stratum
(array([343, 325, 332], dtype=uint64), array([0.39, 0.61,  inf]))
>>> years = firmfate.survival.rmst(ds).estimate / 52
>>> years.values.round(1)  # misalignment x stratum of execution
array([[9.3, 9.6, 9.8],
       [7.3, 6.2, 5. ]])
>>> import xarray
>>> firms = xarray.load_dataset("runs/mixed/firms.nc")
>>> drawn = firms[["execution", "unit_cost"]].to_dataframe()
>>> float(drawn.corr("spearman").loc["execution", "unit_cost"].round(1))
-0.3
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from firmfate.design.dependence import Pair, correlation_schema, read_correlations, weights
from firmfate.design.distributions import SMALLEST, Distribution, distribution_schema, read_distribution
from firmfate.design.strata import Stratum, read_strata, strata_schema
from firmfate.errors import StudyError
from firmfate.randomness import uniforms
from firmfate.tables import reading
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source

WORDS = ("correlation", "strata")


@dataclass(frozen=True)
class Population:
    """How the firms of every cell differ; without [population] nothing is drawn and `len` is 0.

    Attributes
    ----------
    distributions : tuple of Distribution
        In alphabetical order of their keys: the order in the file has no meaning.
    correlations : tuple of (str, str, float)
        Two keys and the correlation of their normal scores (a Gaussian copula).
    strata : tuple of Stratum
        Keys whose draws are counted by quantile bins.
    fields : tuple of int
        Places in the model's fields that are drawn, ascending: the columns of :meth:`draw`. One draw of ``execution``
        goes to all divisions that are not set on their own.
    sources : tuple of int
        For each of `fields`, the place in `keys` of what is drawn for it.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="mixed", population={"execution": {"beta": [2, 2]}})
    >>> study.population.keys, study.population.draw(study.seed, np.arange(1000, dtype=np.uint64)).shape
    (('execution',), (1000, 5))
    """

    distributions: tuple[Distribution, ...] = ()
    correlations: tuple[Pair, ...] = ()
    strata: tuple[Stratum, ...] = ()
    fields: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read [population]; faults after which reading can go on are noted in `source.faults`.

        Which fields of the model are drawn is not known yet: see :meth:`placed`.
        """
        table = reading.table(written, "population")
        found = []
        before = len(source.faults.found)
        for key, value in sorted(source.parameters(table, "population", words=WORDS), key=lambda pair: pair[0]):
            with source.faults.noted():
                row = source.model.parameter(key)
                found.append(read_distribution(key, value, f"population.{key}", row, source))
        if len(source.faults.found) > before:
            return cls(tuple(found))
        if not found:
            raise StudyError("[population] has no parameter; write one, such as unit_cost = { normal = [0.57, 0.02] }")
        varying = {distribution.key: distribution for distribution in found if not distribution.constant}
        correlations: tuple[Pair, ...] = ()
        with source.faults.noted():
            correlations = read_correlations(table.get("correlation", []), varying)
        return cls(tuple(found), correlations, read_strata(table.get("strata", {}), varying))

    def placed(self, fields: tuple[str, ...], targets: Mapping[str, tuple[str, ...]]) -> Self:
        """Return the population with the fields of a model that its draws go to.

        Parameters
        ----------
        fields : tuple of str
            All fields of the model.
        targets : mapping
            Key -> fields that it sets.
        """
        place = {name: index for index, name in enumerate(fields)}
        owners = sorted((place[name], source) for source, key in enumerate(self.keys) for name in targets[key])
        return replace(self, fields=tuple(field for field, _ in owners), sources=tuple(source for _, source in owners))

    @staticmethod
    def schema(parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of [population]."""
        keys = list(dict.fromkeys(name for key in parameters.model.keys for name in (key, key.replace(".", "_"))))
        words = {"correlation": correlation_schema(keys), "strata": strata_schema(keys)}
        return parameters.table("distribution", distribution_schema, "what differs from firm to firm", words)

    def __len__(self) -> int:
        return len(self.distributions)

    @property
    def keys(self) -> tuple[str, ...]:
        """Parameters that are drawn, as the study writes them, in alphabetical order."""
        return tuple(distribution.key for distribution in self.distributions)

    @property
    def described(self) -> dict[str, str]:
        """What identifies this population, key by key: equal descriptions draw equal firms and count equal strata."""
        pairs = {f"correlation {first}, {second}": f"{value:.12g}" for first, second, value in self.correlations}
        strata = {f"strata {stratum.key}": str(stratum.bins) for stratum in self.strata}
        return {**{each.key: each.described for each in self.distributions}, **pairs, **strata}

    @cached_property
    def _copula(self) -> dict[int, tuple[tuple[int, float], ...]]:
        """How correlated uniforms are made: place in `keys` -> (place, weight), ...; others are independent."""
        place = {key: index for index, key in enumerate(self.keys)}
        return {
            place[key]: tuple((place[other], weight) for other, weight in terms)
            for key, terms in weights(self.correlations).items()
        }

    def draw_keys(self, key: int, replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return what these firms draw, one column a parameter of `keys`.

        Parameters
        ----------
        key : int
            The cell's key of random numbers.
        replicates : (n,) array of uint64

        Returns
        -------
        (n, len(keys)) array of float64
        """
        drawn = [uniforms(key, replicates, name=name) for name in self.keys]
        found = np.empty((len(replicates), len(self.keys)))
        for column, distribution in enumerate(self.distributions):
            found[:, column] = distribution.quantile(self._correlated(column, drawn))
        return found

    def draw(self, key: int, replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return what these firms draw, one column a field of `fields`: shape (n, len(fields))."""
        return np.ascontiguousarray(self.draw_keys(key, replicates)[:, list(self.sources)])

    def _correlated(self, column: int, drawn: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the uniforms of one parameter, correlated with those before it by a Gaussian copula."""
        terms = self._copula.get(column, ((column, 1.0),))
        if terms == ((column, 1.0),):
            return drawn[column]
        from scipy.special import ndtr, ndtri

        score = np.zeros(len(drawn[column]))
        for place, weight in terms:  # term by term: a matrix product may round by how many firms there are
            score += weight * ndtri(drawn[place])
        uniform: NDArray[np.float64] = np.clip(ndtr(score), SMALLEST, 1.0 - SMALLEST)
        return uniform

    @property
    def strata_count(self) -> int:
        """Number of strata: the product of the bins, 1 where none are asked for."""
        return int(np.prod([stratum.bins for stratum in self.strata], dtype=np.int64))

    def stratum(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the stratum of each firm, from what it has drawn.

        Parameters
        ----------
        values : (n, len(fields)) array
            As :meth:`draw` returns them.

        Returns
        -------
        (n,) array of int64
            0 .. strata_count - 1; the last stratified parameter varies fastest.
        """
        found = np.zeros(len(values), dtype=np.int64)
        for stratum in self.strata:
            column = self.sources.index(self.keys.index(stratum.key))
            found *= stratum.bins
            found += np.searchsorted(stratum.edges, values[:, column], side="right")
        return found

    def quantiles(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of `fields` at probabilities of `keys`: (n, len(keys)) -> (n, len(fields))."""
        columns = [item.quantile(probability[:, place].copy()) for place, item in enumerate(self.distributions)]
        return np.stack([columns[source] for source in self.sources], axis=-1)
