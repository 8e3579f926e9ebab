//! What the store promises the reconciler, tried out on PostgreSQL and on the store that is plain data alike: what
//! passes are simulated on is what they work on.

mod cases;
mod memory;
#[path = "../../../store/tests/store/migrated_database.rs"]
mod migrated_database;
mod postgres;
mod subject;
#[expect(dead_code, reason = "the tests of the store use the rest")]
#[path = "../../../store/tests/store/support.rs"]
mod support;
#[expect(dead_code, unreachable_pub, reason = "each program uses a part of it")]
#[path = "../world/mod.rs"]
mod world;

/// Every case, on both stores.
macro_rules! every_case {
    ($($case:ident),* $(,)?) => {
        mod memory_store {
            use super::memory::Memory;
            $(#[tokio::test]
            async fn $case() {
                super::cases::$case(&Memory::new()).await;
            })*
        }

        mod postgres_store {
            use super::{postgres::Postgres, support::with_store};
            $(#[tokio::test]
            async fn $case() {
                with_store(|f| async move {
                    super::cases::$case(&Postgres::new(f)).await;
                })
                .await;
            })*
        }
    };
}

every_case! {
    each_due_broker_is_claimed_once,
    each_lane_is_claimed_by_itself,
    what_another_provisioner_owns_is_claimed_by_it_alone_while_it_lives,
    a_watched_broker_is_claimed_by_its_owner_unless_somebody_has_claimed_it_since,
    whoever_lost_the_lease_can_do_nothing_with_it,
    a_renewed_lease_lasts,
    what_was_woken_during_a_pass_is_due_at_once,
    failed_passes_are_tried_again_after_longer_and_longer_pauses,
    a_back_off_is_ended_for_brokers_of_that_provisioner_only,
    a_heartbeat_releases_the_brokers_of_those_that_are_dead,
    a_broker_is_forgotten_once_and_only_if_it_is_to_be_deleted,
    the_first_complete_pass_puts_the_configuration_in_force,
    a_pass_is_recorded_with_its_events,
    a_reboot_is_done_when_a_pass_says_so,
    changes_are_given_up_once,
    maintenance_is_requested_if_the_broker_is_still_as_seen,
    only_who_has_something_to_do_is_a_candidate_for_maintenance,
    materials_and_the_running_engine_are_read_back,
    endpoints_are_allocated_once_and_led_where_they_are_told,
    a_fault_starts_once_and_ends_once,
    memory_is_granted_in_the_order_of_those_who_ask,
    more_memory_is_granted_if_there_is_enough,
    a_failed_creation_gives_its_memory_back,
    a_pulled_image_is_known_by_its_digest,
}
