//! What every runtime promises, tried out on the simulated one, on a Docker engine and on a Kubernetes cluster alike:
//! what the planner is tested against is what real instances do.
//!
//! Every case has an installation of its own and leaves nothing behind, even when it fails. Without an engine the
//! cases of Docker say so and pass, except under `CI=true`; those of Kubernetes are for the cluster that
//! `BROKERD_TEST_KUBECONFIG` names. Another runtime needs a [`subject::Subject`] and a line
//! in `every_case!`.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod cases;
mod docker;
#[expect(dead_code, reason = "disks are tried out elsewhere")]
#[path = "../docker_runtime/engine.rs"]
mod engine;
mod kubernetes;
mod scripts;
mod simulated;
mod specs;
mod subject;
#[expect(dead_code, unreachable_pub, reason = "each program uses a part of it")]
#[path = "../world/mod.rs"]
mod world;

/// Every case, on every runtime.
macro_rules! every_case {
    ($($case:ident),* $(,)?) => {
        mod simulated_runtime {
            use super::simulated::Simulated;
            $(#[tokio::test]
            async fn $case() {
                super::cases::$case(&Simulated::new()).await;
            })*
        }

        mod docker_runtime {
            use super::docker::DockerSubject;
            $(#[tokio::test]
            async fn $case() {
                let Some(docker) = DockerSubject::new().await else { return };
                super::cases::$case(&docker).await;
            })*
        }

        mod kubernetes_runtime {
            use super::kubernetes::KubernetesSubject;
            $(#[tokio::test]
            async fn $case() {
                let Some(cluster) = KubernetesSubject::new().await else { return };
                super::cases::$case(&cluster).await;
            })*
        }
    };
}

every_case! {
    what_is_applied_runs_as_it_was_specified_and_once,
    applied_by_two_at_once_it_is_made_once,
    an_unstarted_container_of_a_crash_is_completed,
    what_has_ended_is_started_when_it_is_applied,
    another_specification_is_refused_and_a_newer_generation_is_left_alone,
    a_missing_image_requires_an_operator,
    a_former_image_is_taken_where_it_is_wanted_and_there,
    files_arrive_as_they_are,
    it_is_stopped_started_and_restarted_as_often_as_that_is_asked_for,
    what_does_not_heed_a_stop_is_killed_after_the_grace,
    a_stop_without_grace_kills,
    what_is_paused_is_not_started_but_restarted_or_killed,
    an_identity_that_is_gone_hits_nothing,
    limits_are_changed_as_it_runs_and_never_above_what_the_host_has,
    what_was_killed_has_ended_and_is_not_disturbed_again,
    what_was_paused_goes_on_where_it_was,
    what_was_cut_off_runs_on_and_is_found_again,
    what_is_disturbed_is_removed_without_a_trace,
    the_disk_of_the_host_is_not_filled,
    kept_volumes_outlive_the_container_and_the_others_do_not,
    instances_find_each_other_by_name_in_a_network_that_goes_with_the_last,
    what_instances_share_goes_with_the_last_of_them_and_never_before,
    what_is_not_there_is_told_from_what_is,
    an_end_is_reported_with_its_code_and_last_log_lines,
    a_kill_is_distinguished_from_out_of_memory,
    what_a_container_has_used_is_told_while_it_runs,
    what_a_container_printed_in_each_of_its_lives_is_told_until_it_is_removed,
    a_control_plane_that_knows_nothing_reads_the_world_back,
    a_death_is_hinted_at,
    installations_do_not_see_each_other,
    an_engine_that_can_t_be_asked_is_never_taken_for_an_empty_one,
    what_is_told_to_be_reachable_is,
}
