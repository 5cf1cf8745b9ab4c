"""A use case: one class, one public action, and a head that says what goes in, what comes out, and in which order.

    class UnlockVideo(Service[UnlockInputs, UnlockInternals, UnlockOutputs]):
        failures = (NotForSale, InsufficientPoints)

        def steps(self) -> Steps[UnlockInputs, UnlockInternals, UnlockOutputs]:
            return (
                self.find_price,
                atomic(self.debit_viewer, self.credit_creator, self.grant_access),
            )

`steps` is an ordinary method, so it may name methods that stand below it, and mypy knows each of them.
docs/decisions/0201-steps-are-a-method.md says which other shapes were tried.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, get_args, get_origin

from mutoscope.engines.services.errors import ContractError, StepReturnedSomething, UndeclaredFailure, WrongInputs
from mutoscope.engines.services.failures import Failure
from mutoscope.engines.services.layers import Internals, Outputs, finish
from mutoscope.engines.services.observing import Observer, logger, observers
from mutoscope.engines.services.steps import Group, In, Out, State, Steps, Walk, Work


class Service(ABC, Generic[In, Work, Out]):
    """A use case. Subclass it with its three layers, list its failures and steps, and write the steps.

    Ports arrive through the constructor. Nothing else belongs on `self`: the state of a call travels in `State`, which
    is why one object can serve every thread.
    """

    failures: ClassVar[tuple[type[Failure], ...]] = ()
    layers: ClassVar[tuple[type[Any], type[Internals], type[Outputs]]]
    _listed: Steps[In, Work, Out] | None = None

    @abstractmethod
    def steps(self) -> Steps[In, Work, Out]:
        """The steps in their order. Names methods and groups of methods, and nothing else: it is read once for each object."""

    def call(self, inputs: In) -> Out:
        """Run the steps and return the outputs. Raises one of `failures`; whatever else it raises is a bug."""
        inputs_class, internals_class, outputs_class = self.layers
        if not isinstance(inputs, inputs_class):
            raise WrongInputs(f"{type(self).__name__} takes {inputs_class.__name__}, not {type(inputs).__name__}")
        state: State[In, Work, Out] = State(inputs, internals_class(), outputs_class())  # type: ignore[arg-type]
        watching = observers()
        if watching:
            self._run_watched(state, watching)
        else:
            self._run(state, self._walk)
        return state.outputs

    def _run(self, state: State[In, Work, Out], walk: Walk[In, Work, Out]) -> None:
        if self._listed is None:
            self._listed = listed(self)
        try:
            walk(self._listed, state)
        except Failure as failure:
            if not isinstance(failure, self.failures):
                raise UndeclaredFailure(
                    f"{type(self).__name__} raised {failure!r}: add {type(failure).__name__} to its failures"
                ) from failure
            raise
        finish(state.outputs)

    def _walk(self, steps: Steps[In, Work, Out], state: State[In, Work, Out]) -> None:
        for step in steps:
            if isinstance(step, Group):
                step.run(self._walk, state)
            else:
                _take(step, state)

    def _run_watched(self, state: State[In, Work, Out], watching: tuple[Observer, ...]) -> None:
        """The same with a clock; apart, so that an unwatched call pays nothing for it."""

        def walk(steps: Steps[In, Work, Out], state: State[In, Work, Out]) -> None:
            for step in steps:
                if isinstance(step, Group):
                    step.run(walk, state)
                else:
                    with _reporting(watching, type(self), step.__name__):
                        _take(step, state)

        with _reporting(watching, type(self), None):
            self._run(state, walk)

    def __init_subclass__(cls) -> None:
        """Read the three layers out of `Service[...]`, so that nobody has to name them twice."""
        super().__init_subclass__()
        for parent in cls.__dict__.get("__orig_bases__", ()):
            layers = get_args(parent)
            if get_origin(parent) is Service and len(layers) == 3 and all(isinstance(kind, type) for kind in layers):
                parameters = getattr(layers[0], "__dataclass_params__", None)
                if parameters is None or not parameters.frozen:
                    raise WrongInputs(f"{cls.__name__}: {layers[0].__name__} must be a dataclass with frozen=True")
                cls.layers = layers
        if not hasattr(cls, "layers") and not cls.__parameters__:  # type: ignore[attr-defined]  # set by Generic
            raise WrongInputs(
                f"{cls.__name__} must name its three layers: Service[its inputs, its internals, its outputs]"
            )


def listed(service: Service[In, Work, Out]) -> Steps[In, Work, Out]:
    """What a service's `steps` returns. Raises ContractError when that is no tuple."""
    steps = service.steps()
    if not isinstance(steps, tuple | list):
        raise ContractError(
            f"{type(service).__name__}.steps returns no tuple: one step is (self.a_step,), with a comma"
        )
    return steps


def _take(step: Callable[[State[In, Work, Out]], None], state: State[In, Work, Out]) -> None:
    if step(state) is not None:  # type: ignore[func-returns-value]
        raise StepReturnedSomething(f"{step.__qualname__} returned a value; it must write it to a layer instead")


@contextlib.contextmanager
def _reporting(watching: tuple[Observer, ...], service: type, step: str | None) -> Iterator[None]:
    """Tell the observers how long the block took and what it raised. `step` is None for a whole call."""
    error: BaseException | None = None
    began = time.perf_counter_ns()
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        elapsed_ns = time.perf_counter_ns() - began
        for observer in watching:
            # What watches must not change what happens: the call may have committed.
            try:
                if step is None:
                    observer.call_finished(service, elapsed_ns, error)
                else:
                    observer.step_finished(service, step, elapsed_ns, error)
            except Exception:
                told = {"action": "service.observer", "service": service.__name__}
                logger.exception("%s failed as an observer", type(observer).__name__, extra=told)
