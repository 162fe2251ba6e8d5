"""The dbt project as task groups, rendered by Cosmos."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import (
    PRODUCER_WATCHER_TASK_ID,
    DbtResourceType,
    ExecutionMode,
    InvocationMode,
    LoadMode,
    TestBehavior,
)
from cosmos.operators.base import AbstractDbtBase
from cosmos.operators.local import AbstractDbtLocalBase

from tributary.dbt_artifacts import MANIFEST, PROJECT, SHOWN
from tributary.dbt_log import ModelsLog
from tributary.job_labels import environment, labels_of_context
from tributary.operators.dbt_model import DbtModelOperator, ModelProgress
from tributary.policies import DBT_LIMIT, DEFAULT_ARGS
from tributary.settings import dbt_executable
from tributary.telemetry.model_events import emit_models

if TYPE_CHECKING:
    from airflow.sdk import Context

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


def follow_models(context: Context) -> None:
    """Show in the models' tasks what dbt does with them."""
    task: Any = context["task"]
    progress = ModelProgress(context, {it.model: it.task_id for it in models_of(task.task_group)})
    task.subprocess_hook = ModelsLog(progress.tasks, progress.ended)
    # Whether another try can mend it, only dbt's words say.
    task.handle_exception_subprocess = progress.dbt_ended


def before_dbt(context: Context) -> None:
    """What the group's task that runs dbt does before."""
    label_jobs(context)
    follow_models(context)
    as_first_try(context)


def models_of(group: Any) -> list[DbtModelOperator]:
    """The tasks of a group's models."""
    return [task for task in group.children.values() if isinstance(task, DbtModelOperator)]


def model_task(*, node: Any, task_id: str, dag: Any, task_group: Any, **_: Any) -> DbtModelOperator:
    """The task of a dbt model; Cosmos asks for it (`node_converters`)."""
    return DbtModelOperator(task_id=task_id, model=node.unique_id, dag=dag, task_group=task_group)


def dbt_task_group(
    group_id: str, *, select: str, shown: str, variables: dict[str, Any], env: dict[str, str]
) -> DbtTaskGroup:
    """Build the selected models and run their tests, with a task for each model that is shown.

    One dbt process a group does the work (Cosmos' watcher mode), because dbt's start costs more
    than most models; the models' tasks show what it has done.

    :param select: dbt selector of what is built, such as `tag:retail`.
    :param shown: whose models get a task: an app's marts, by its name, or `consolidated`. Staging views are built
        without one, because nobody looks at them.
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
            node_converters={DbtResourceType.MODEL: model_task},
        ),
        operator_args={
            "vars": variables,
            "env": env,
            "append_env": True,
            "install_deps": False,
        },
    )
    producer = group.children[f"{group_id}.{PRODUCER_WATCHER_TASK_ID}"]
    # Cosmos gives the process that builds the selection of the tasks.
    producer.select = select
    # Cosmos would keep what a failed try has built for the next one, in an Airflow variable that nothing removes.
    producer.on_failure_callback = DEFAULT_ARGS["on_failure_callback"]
    producer.on_retry_callback = []
    # After a failure, too: some models may have been built.
    producer.get_openlineage_facets_on_complete = emit_models
    for task in models_of(group):
        # All of them: one that only came after other models would be green as soon as those are.
        producer >> task
    return group
