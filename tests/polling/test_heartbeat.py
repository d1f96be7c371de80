"""What `/-/healthy` and `/-/ready` report."""

from exporter.polling.heartbeat import Heartbeat, JobWatch


async def test_a_job_that_does_not_report_in_time_is_overdue() -> None:
    heartbeat = Heartbeat(grace=0.0)
    heartbeat.expect("runs", within=3600)
    heartbeat.expect("hangs", within=-1)
    assert heartbeat.overdue() == ["hangs"]
    heartbeat.expect("hangs", within=3600)
    assert heartbeat.overdue() == []
    heartbeat.expect("ended", within=-1)
    heartbeat.forget("ended")
    assert heartbeat.overdue() == []


async def test_a_late_job_has_a_grace() -> None:
    heartbeat = Heartbeat(grace=3600.0)
    heartbeat.expect("late", within=-1)
    assert heartbeat.overdue() == []


async def test_a_job_is_expected_only_while_its_watch_is_not_suspended() -> None:
    heartbeat = Heartbeat(grace=0.0)
    watch = JobWatch(heartbeat, "job", budget=-1.0)
    watch.resume()
    assert heartbeat.overdue() == ["job"]
    watch.suspend()
    assert heartbeat.overdue() == []
