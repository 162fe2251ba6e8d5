"""Slack's Web API for one workspace: ``python -m localcloud.slack``.

Serves ``auth.test``, ``conversations.list``, ``conversations.create``, ``conversations.history``,
``conversations.replies``, ``chat.postMessage`` and ``chat.update`` under ``/api/``, with arguments as form,
JSON or query, and refuses with Slack's own error codes. The page ``/`` shows people what the channels hold.

Environment: ``LOCALCLOUD_SLACK_PORT``, ``LOCALCLOUD_SLACK_TOKEN``, ``LOCALCLOUD_SLACK_CHANNELS`` (names that
exist from the start, separated by commas; default ``data-alerts``) and ``LOCALCLOUD_STATE_DIR``, which gets
``slack.db``.
https://docs.slack.dev/reference/methods
"""
