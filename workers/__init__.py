"""Tasker's handler API: everything that handlers are written with is imported from here.

    from workers import StepContext, StepHandler, StepHandlerResult

Each name is loaded when it is first used, so that a handler pays for what it needs and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.api_mixin import APIMixin as APIMixin
    from workers.api_mixin import ApiResponse as ApiResponse
    from workers.batch_aggregation import BatchAggregationResult as BatchAggregationResult
    from workers.batch_aggregation import BatchAggregationScenario as BatchAggregationScenario
    from workers.batch_aggregation import aggregate_batch_results as aggregate_batch_results
    from workers.batch_types import BatchAnalyzerOutcome as BatchAnalyzerOutcome
    from workers.batch_types import BatchCursor as BatchCursor
    from workers.batch_types import BatchWorkerContext as BatchWorkerContext
    from workers.batch_types import BatchWorkerInputs as BatchWorkerInputs
    from workers.batch_types import BatchWorkerOutcome as BatchWorkerOutcome
    from workers.batch_types import CreateBatchesOutcome as CreateBatchesOutcome
    from workers.batch_types import CursorConfig as CursorConfig
    from workers.batch_types import FailureStrategy as FailureStrategy
    from workers.batch_types import NoBatchesOutcome as NoBatchesOutcome
    from workers.batch_types import RustCursorConfig as RustCursorConfig
    from workers.batch_types import create_batches as create_batches
    from workers.batch_types import no_batches as no_batches
    from workers.batching import Batchable as Batchable
    from workers.batching import BatchWorkerConfig as BatchWorkerConfig
    from workers.client import TaskerClient as TaskerClient
    from workers.context import Cancellation as Cancellation
    from workers.context import StepContext as StepContext
    from workers.decisions import DecisionMixin as DecisionMixin
    from workers.decisions import DecisionPointOutcome as DecisionPointOutcome
    from workers.decisions import DecisionType as DecisionType
    from workers.errors import AuthenticationError as AuthenticationError
    from workers.errors import AuthorizationError as AuthorizationError
    from workers.errors import BusinessLogicError as BusinessLogicError
    from workers.errors import ConfigurationError as ConfigurationError
    from workers.errors import HandlerImportError as HandlerImportError
    from workers.errors import HandlerNotFound as HandlerNotFound
    from workers.errors import NetworkError as NetworkError
    from workers.errors import NotFoundError as NotFoundError
    from workers.errors import PermanentError as PermanentError
    from workers.errors import RateLimitError as RateLimitError
    from workers.errors import ResolutionError as ResolutionError
    from workers.errors import ResolverNotFoundError as ResolverNotFoundError
    from workers.errors import ResourceContentionError as ResourceContentionError
    from workers.errors import RetryableError as RetryableError
    from workers.errors import ServiceUnavailableError as ServiceUnavailableError
    from workers.errors import StepCancelled as StepCancelled
    from workers.errors import StepTimeoutError as StepTimeoutError
    from workers.errors import StepValidationError as StepValidationError
    from workers.errors import TaskerError as TaskerError
    from workers.errors import TimeoutError as TimeoutError
    from workers.errors import ValidationError as ValidationError
    from workers.events import BasePublisher as BasePublisher
    from workers.events import DefaultPublisher as DefaultPublisher
    from workers.events import EventDeclaration as EventDeclaration
    from workers.events import PublishContext as PublishContext
    from workers.events import PublisherRegistry as PublisherRegistry
    from workers.events import StepEventContext as StepEventContext
    from workers.events import StepResult as StepResult
    from workers.functional import BatchConfig as BatchConfig
    from workers.functional import Decision as Decision
    from workers.functional import HandlerDecorator as HandlerDecorator
    from workers.functional import api_handler as api_handler
    from workers.functional import batch_analyzer as batch_analyzer
    from workers.functional import batch_worker as batch_worker
    from workers.functional import decision_handler as decision_handler
    from workers.functional import depends_on as depends_on
    from workers.functional import inputs as inputs
    from workers.functional import step_handler as step_handler
    from workers.handlers import StepHandler as StepHandler
    from workers.registry import HandlerRegistry as HandlerRegistry
    from workers.registry import HandlerSpec as HandlerSpec
    from workers.resolver_chain import ResolverChain as ResolverChain
    from workers.resolvers import BaseResolver as BaseResolver
    from workers.resolvers import ClassLookupResolver as ClassLookupResolver
    from workers.resolvers import ExplicitMappingResolver as ExplicitMappingResolver
    from workers.resolvers import HandlerDefinition as HandlerDefinition
    from workers.resolvers import RegistryResolver as RegistryResolver
    from workers.results import ErrorType as ErrorType
    from workers.results import ResultStatus as ResultStatus
    from workers.results import StepHandlerCallResult as StepHandlerCallResult
    from workers.results import StepHandlerResult as StepHandlerResult
    from workers.subscribers import BaseSubscriber as BaseSubscriber
    from workers.subscribers import InProcessDomainEventPoller as InProcessDomainEventPoller
    from workers.subscribers import SubscriberRegistry as SubscriberRegistry

_EXPORTS = {
    "client": "TaskerClient",
    "api_mixin": "APIMixin ApiResponse",
    "batch_aggregation": "BatchAggregationResult BatchAggregationScenario aggregate_batch_results",
    "batch_types": (
        "BatchAnalyzerOutcome BatchCursor BatchWorkerContext BatchWorkerInputs BatchWorkerOutcome "
        "CreateBatchesOutcome CursorConfig FailureStrategy NoBatchesOutcome RustCursorConfig "
        "create_batches no_batches"
    ),
    "batching": "BatchWorkerConfig Batchable",
    "context": "Cancellation StepContext",
    "decisions": "DecisionMixin DecisionPointOutcome DecisionType",
    "errors": (
        "AuthenticationError AuthorizationError BusinessLogicError ConfigurationError "
        "HandlerImportError HandlerNotFound NetworkError NotFoundError PermanentError "
        "RateLimitError ResolutionError ResolverNotFoundError ResourceContentionError "
        "RetryableError ServiceUnavailableError StepCancelled StepTimeoutError "
        "StepValidationError TaskerError TimeoutError ValidationError"
    ),
    "events": (
        "BasePublisher DefaultPublisher EventDeclaration PublishContext PublisherRegistry "
        "StepEventContext StepResult"
    ),
    "functional": (
        "BatchConfig Decision HandlerDecorator api_handler batch_analyzer batch_worker "
        "decision_handler depends_on inputs step_handler"
    ),
    "handlers": "StepHandler",
    "registry": "HandlerRegistry HandlerSpec",
    "resolver_chain": "ResolverChain",
    "resolvers": (
        "BaseResolver ClassLookupResolver ExplicitMappingResolver HandlerDefinition RegistryResolver"
    ),
    "results": "ErrorType ResultStatus StepHandlerCallResult StepHandlerResult",
    "subscribers": "BaseSubscriber InProcessDomainEventPoller SubscriberRegistry",
}
_MODULES = {name: f"workers.{module}" for module, names in _EXPORTS.items() for name in names.split()}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'workers' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
