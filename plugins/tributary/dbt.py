"""The dbt project as task groups, rendered by Cosmos."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import StartTriggerArgs
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import (
    PRODUCER_WATCHER_TASK_ID,
    ExecutionMode,
    InvocationMode,
    LoadMode,
    TestBehavior,
)
from cosmos.operators.base import AbstractDbtBase
from cosmos.operators.local import AbstractDbtLocalBase

from tributary.dbt_log import ModelsLog, raise_with_last_words
from tributary.job_labels import environment, labels_of_context
from tributary.policies import DBT_LIMIT, DEFAULT_ARGS
from tributary.registry import INCLUDE
from tributary.settings import dbt_executable
from tributary.telemetry.model_events import emit_models
from tributary.triggers.model import ModelTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

PROJECT = INCLUDE / "dbt"
# Written by stack/dbt-artifacts when the stack or the image is built: no task and no parse runs dbt for it.
MANIFEST = PROJECT / "target" / "manifest.json"
# In it, for each group, what `dbt ls` says of the models that get a task: to read the manifest of all models, and to
# select from it, would be three quarters of the time that a DAG takes to build.
SHOWN = PROJECT / "target" / "shown"
# Seconds between two looks, for all models' tasks together, at the one dbt process that builds all models; at most.
# No longer than a failed try waits for the next one (policies.RETRY_DELAY): the looks have to see that.
POLL_SECONDS = 5
# How long a model's task waits: for a worker for the task that runs dbt, and for all its tries.
MODEL_LIMIT = timedelta(hours=24)
# Cosmos asks for these three signatures for each task that it makes, which was a fifth of the time that a DAG took to
# build. What a function has as `__signature__` (PEP 362) is not worked out again.
for _initializer in (BaseOperator.__init__, AbstractDbtBase.__init__, AbstractDbtLocalBase.__init__):
    setattr(_initializer, "__signature__", inspect.signature(_initializer))  # noqa: B010 - mypy knows it of no function
# Cosmos limits the build to models when tests have no tasks of their own; this lets the tests in
# again. Unit tests stay out: they check the SQL, not the data, and run where it changes, in CI.
BUILD_FLAGS = ["--resource-type", "test"]


def as_first_try(context: Context) -> None:
    """Let a repeated try of the group build everything again, in one dbt process.

    Cosmos' producer does nothing on a second try, because a build may not be repeatable; this project's is (a run
    replaces its own partition), so for Cosmos every try is the first.
    """
    context["ti"].try_number = 1


def label_jobs(context: Context) -> None:
    """Give the jobs that dbt starts the labels of its task (macro `job_labels`)."""
    task: Any = context["task"]
    task.env = {**task.env, **environment(labels_of_context(context))}


def read_log(context: Context) -> None:
    """Have Cosmos keep no more of dbt's log than the models' tasks need."""
    task: Any = context["task"]
    task.subprocess_hook = ModelsLog(filter(None, map(model_of, task.task_group.children.values())))


def before_dbt(context: Context) -> None:
    """What the group's task that runs dbt does before."""
    label_jobs(context)
    as_first_try(context)
    read_log(context)


def model_of(task: Any) -> str | None:
    """dbt's name of the model whose task it is, such as `model.tributary.orders`; None for any other task."""
    return getattr(task, "model_unique_id", None)


def follow_from_triggerer(task: Any, model: str, producer: str) -> None:
    """Have the model's task wait in the triggerer from the start: it needs a process only to say how it ended.

    By itself Cosmos starts one to find that dbt has not begun, and another when the model is built; and on a second
    try one that runs dbt.
    """
    path, arguments = ModelTrigger(model, producer, POLL_SECONDS).serialize()
    # Airflow stores a task's templated fields once more, and this one has nothing else to fill in.
    task.template_fields = ("compiled_sql",)
    task.start_from_trigger = True
    task.start_trigger_args = StartTriggerArgs(path, next_method="execute_complete", trigger_kwargs=arguments)


def dbt_task_group(
    group_id: str, *, select: str, shown: str, variables: dict[str, Any], env: dict[str, str]
) -> DbtTaskGroup:
    """Build the selected models and run their tests, with a task for each model that is shown.

    One dbt process a group does the work (Cosmos' watcher mode), because dbt's start costs more
    than most models; the models' tasks follow it.

    :param select: dbt selector of what is built, such as `tag:retail`.
    :param shown: whose models get a task: an app's marts, by its name, or `consolidated`. Staging views are built
        without one, because following a view costs more than building it.
    :param variables: dbt vars, which must be the same on all days: dbt parses the project for each others.
    :param env: what macros read when they are executed, such as TRIBUTARY_DUMP_DATE, and TRIBUTARY_DBT_DATASET,
        the dataset that the models are built in; may hold templates.
    """
    group = DbtTaskGroup(
        group_id=group_id,
        project_config=ProjectConfig(dbt_project_path=PROJECT, manifest_path=MANIFEST, install_dbt_deps=False),
        profile_config=ProfileConfig(
            profile_name="tributary", target_name="bigquery", profiles_yml_filepath=PROJECT / "profiles.yml"
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER,
            # dbt lives in an environment of its own, so it cannot run inside Airflow's process.
            invocation_mode=InvocationMode.SUBPROCESS,
            dbt_executable_path=dbt_executable(),
            setup_operator_args={
                "dbt_cmd_flags": BUILD_FLAGS,
                "execution_timeout": DBT_LIMIT,
                "pre_execute": before_dbt,
            },
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_LS_FILE,
            dbt_ls_path=SHOWN / f"{shown}.jsonl",
            test_behavior=TestBehavior.NONE,
            emit_datasets=False,
        ),
        operator_args={
            "vars": variables,
            "env": env,
            "append_env": True,
            "install_deps": False,
            "execution_timeout": MODEL_LIMIT,
        },
    )
    producer = group.children[f"{group_id}.{PRODUCER_WATCHER_TASK_ID}"]
    # Cosmos gives the process that builds the selection of the tasks.
    producer.select = select
    # Whether another try can mend it, only dbt's words say.
    producer.handle_exception_subprocess = raise_with_last_words
    # Cosmos would keep what a failed try has built for the next one, in an Airflow variable that nothing removes.
    producer.on_failure_callback = DEFAULT_ARGS["on_failure_callback"]
    producer.on_retry_callback = []
    # After a failure, too: some models may have been built.
    producer.get_openlineage_facets_on_complete = emit_models
    for task in group.children.values():
        if model := model_of(task):
            follow_from_triggerer(task, model, producer.task_id)
    return group
