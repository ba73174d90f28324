//! What every back end of the store must do. A back end says how to open itself ([`Place`]) and instantiates all facts
//! with `every_fact!(ItsPlace)`.

pub(crate) mod accounts;
pub(crate) mod client_keys;
pub(crate) mod credentials;
pub(crate) mod edits;
pub(crate) mod ledger;
pub(crate) mod make;
pub(crate) mod polls;
pub(crate) mod refresh;
pub(crate) mod removal;
pub(crate) mod usage;
pub(crate) mod written_behind;

use std::sync::Arc;

use remuda_store::Store;

/// An empty place where a store can be. Opening it twice is what two processes do.
pub(crate) trait Place: Send + Sync {
    fn fresh() -> impl Future<Output = Self> + Send;
    fn open(&self) -> impl Future<Output = Arc<dyn Store>> + Send;
}

macro_rules! facts {
    ($place:ty: $($module:ident { $($fact:ident)* })*) => {$(
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $fact() {
                    suite::$module::$fact(&<$place as suite::Place>::fresh().await).await;
                }
            )*
        }
    )*};
}
pub(crate) use facts;

/// A fact that is written but not named here is dead code, and so a warning.
macro_rules! every_fact {
    ($place:ty) => {
        crate::suite::facts! { $place:
            accounts {
                a_new_store_is_empty
                an_account_comes_back_as_it_was_added
                the_store_sets_the_times_of_a_profile
                allowed_hosts_are_those_that_were_granted
                a_label_is_refused_in_any_case_with_the_label_that_holds_it
                an_identity_is_refused_with_the_label_that_holds_it
                one_identity_at_two_vendors_is_two_accounts
                a_refused_account_leaves_nothing_behind
                logging_in_again_updates_in_place_and_keeps_what_the_owner_said
                logging_in_again_as_somebody_else_who_is_here_is_refused
                a_login_wakes_the_disabled_and_leaves_the_paused_alone
                what_one_process_stores_the_other_reads
                everything_survives_closing
                a_closed_store_says_so
            }
            edits {
                every_edit_comes_back
                edits_are_made_all_or_none
                what_an_edit_names_must_be_there
                renaming_to_a_taken_label_is_refused_and_changing_its_case_is_not
                order_takes_the_rest_along
                an_empty_chain_is_no_chain
                a_pool_names_each_member_once
                numbers_that_are_none_are_refused
                granting_twice_keeps_the_newer_grant
                session_pins_can_be_let_go_one_by_one_and_all
                the_oldest_session_pin_gives_way
                chains_and_pools_have_bounds
            }
            removal {
                removing_an_account_removes_every_mention_and_tells
                removing_a_pool_removes_every_mention_and_tells
                removing_what_is_not_there_is_an_error
                a_client_key_limited_to_what_was_removed_stays_limited
                no_sequence_of_commands_leaves_a_dangling_mention
            }
            credentials {
                each_kind_comes_back
                the_first_generation_is_one
                a_rotation_raises_the_generation
                a_rotation_with_a_token_that_is_no_longer_stored_returns_what_is
                rotating_again_with_the_same_pair_finds_its_own_work
                what_is_no_pair_cannot_be_rotated
                of_many_rotations_of_one_token_exactly_one_is_stored
                a_newer_generation_is_taken_and_an_older_one_is_not
                a_login_between_exchange_and_rotation_wins
                an_unknown_account_has_no_credential
            }
            refresh {
                an_intent_is_found_by_the_next_process
                an_intent_for_an_old_generation_is_refused
                a_new_pair_clears_intent_verdict_and_back_off
                a_newer_secret_from_elsewhere_clears_them_too
                a_login_clears_verdict_and_back_off
                a_verdict_asks_for_a_login
                a_verdict_that_the_account_is_closed_disables_it
                a_verdict_on_an_old_generation_concerns_nobody
                a_verdict_deletes_no_credential
                a_verdict_leaves_a_paused_account_paused
                a_back_off_is_kept_and_ended
                a_withdrawn_intent_is_gone
                the_lock_excludes_and_is_given_back
                vendors_do_not_wait_for_each_other
            }
            polls {
                one_account_of_a_vendor_is_asked_about_at_a_time
                what_another_process_has_asked_is_not_asked_again
                a_back_off_holds_for_every_process
                a_login_forgets_readings_and_polls
                what_was_found_out_before_a_login_is_dropped
                an_abandoned_lease_ends_by_itself
            }
            client_keys {
                a_key_comes_back_as_a_hash_with_its_scope
                a_revoked_key_is_gone
                pruning_takes_what_has_expired
                the_same_key_twice_is_refused
                use_is_noted_and_never_runs_backwards
            }
            usage {
                usage_is_added_up_by_whatever_is_asked
                a_request_of_the_vendor_counts_once
                usage_is_told_by_time
                listing_and_counting_use_nothing
                absurd_counts_harm_no_sum
                records_are_found_by_what_a_person_remembers
                stopped_conversations_stay_stopped
            }
            written_behind {
                findings_come_back
                a_rest_that_is_over_is_still_known
                a_finding_never_wakes_what_its_owner_paused
                what_concerns_a_removed_account_is_dropped
                an_older_reading_does_not_replace_a_newer
                of_two_readings_of_one_second_the_usage_endpoint_counts
                a_reading_that_is_no_number_is_no_reading
                readings_and_resting_models_have_bounds
                spending_is_added_up_by_utc_day
                a_session_has_the_home_it_was_given_last
                sessions_unseen_for_thirty_days_have_no_home
                sessions_are_listed_by_when_they_were_seen
                the_session_unseen_for_longest_gives_way
                a_session_remembers_the_pool_that_placed_it_while_there_is_one
                homes_can_be_forgotten
                who_gave_out_what_is_known_for_thirty_days
            }
            ledger {
                a_record_comes_back_as_it_was
                records_are_listed_newest_first
                pages_join_without_gap_or_double_while_records_come
                each_filter_filters
                an_id_can_be_shortened
                appending_again_replaces
                a_limit_of_nothing_or_too_much_is_moved_into_bounds
                records_too_old_are_dropped
            }
        }
    };
}
pub(crate) use every_fact;
