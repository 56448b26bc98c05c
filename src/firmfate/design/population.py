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
... strata = { execution = 3 }                         # weak, middling and strong firms
...
... [[population.correlation]]                         # strong firms are a little cheaper
... between = ["execution", "unit_cost"]
... rank = -0.3
...
... [record]
... firms = true                                       # firms.nc holds what each drew
... ''')
>>> ds = firmfate.run(study, into="runs/mixed", progress=False)
>>> ds.firms.sel(misalignment=1).values, ds.execution_upper.values.round(2)  # by stratum
(array([343, 325, 332], dtype=uint64), array([0.39, 0.61,  inf]))
>>> years = firmfate.survival.rmst(ds).estimate / 52
>>> years.values.round(1)  # misalignment x stratum of execution
array([[8.9, 9.3, 9.7],
       [7. , 6.1, 4.6]])
>>> import xarray
>>> firms = xarray.load_dataset("runs/mixed/firms.nc")
>>> drawn = firms[["execution", "unit_cost"]].to_dataframe()
>>> float(drawn.corr("spearman").loc["execution", "unit_cost"].round(1))
-0.3
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmfate.randomness import uniforms
from firmfate.study import Study
from firmfate.study.distributions import SMALLEST, Distribution
from firmfate.study.population import cholesky, strata_edges


@dataclass(frozen=True)
class Stratum:
    """Quantile bins of one drawn parameter: `edges` part them, `column` is where draws hold its value."""

    key: str
    bins: int
    edges: tuple[float, ...]
    column: int


@dataclass(frozen=True, eq=False)
class Population:
    """How the firms of every cell differ.

    Attributes
    ----------
    keys : tuple of str
        Parameters that are drawn, as the study writes them, in alphabetical order.
    fields : tuple of int
        Places in the model's fields that are drawn, ascending: the columns of :meth:`draw`. One draw of ``execution``
        goes to all divisions that are not set on their own.
    sources : tuple of int
        For each of `fields`, the place in `keys` of what is drawn for it.
    strata : tuple of Stratum
    """

    keys: tuple[str, ...]
    fields: tuple[int, ...]
    sources: tuple[int, ...]
    distributions: tuple[Distribution, ...]
    copula: tuple[tuple[tuple[int, float], ...] | None, ...]
    strata: tuple[Stratum, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

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
        terms = self.copula[column]
        if terms is None or terms == ((column, 1.0),):
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
            found *= stratum.bins
            found += np.searchsorted(stratum.edges, values[:, stratum.column], side="right")
        return found

    def quantiles(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of `fields` at probabilities of `keys`: (n, len(keys)) -> (n, len(fields))."""
        columns = [item.quantile(probability[:, place].copy()) for place, item in enumerate(self.distributions)]
        return np.stack([columns[source] for source in self.sources], axis=-1)


def population(study: Study) -> Population:
    """Return how the firms of a study differ; without [population] nothing is drawn and `len` is 0.

    Examples
    --------
    >>> study = Study(study={"name": "mixed"}, population={"execution": {"beta": [2, 2]}})
    >>> found = population(study)
    >>> found.keys, found.draw(study.seed, np.arange(1000, dtype=np.uint64)).shape
    (('execution',), (1000, 5))
    """
    written = study.population
    place = {name: index for index, name in enumerate(study.model.fields)}
    owners = sorted((place[name], source) for source, key in enumerate(written.keys) for name in study.targets[key])
    fields = tuple(field for field, _ in owners)
    sources = tuple(source for _, source in owners)
    linked = tuple(key for key in written.keys if any(key in pair[:2] for pair in written.correlations))
    factor = cholesky(linked, written.correlations) or []
    weights = {
        key: tuple((written.keys.index(other), weight) for other, weight in zip(linked, row, strict=True) if weight)
        for key, row in zip(linked, factor, strict=True)
    }
    by_key = dict(zip(written.keys, written.distributions, strict=True))
    return Population(
        keys=written.keys,
        fields=fields,
        sources=sources,
        distributions=written.distributions,
        copula=tuple(weights.get(key) for key in written.keys),
        strata=tuple(
            Stratum(key, bins, strata_edges(by_key[key], bins), sources.index(written.keys.index(key)))
            for key, bins in written.strata
        ),
    )
