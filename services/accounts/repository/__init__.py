"""Where accounts keeps its rows, and the conditional writes that keep them right.

person#<id>       person            the person
                  membership#<org>  one for each organiser the person belongs to: read with the person, in one query
                  identity#<id>     one for each identity that opens the account, for listing them
email#<address>   email             whose address it is: makes it unique
identity#<mark>   identity          whose identity at another issuer it is: makes it unique
session#<id>      session           one sign-in
revocations#<minute>  <revocation>  what ended in that minute before its access tokens did, for as long as these live
organiser#<id>    organiser         the organiser; carries organiser_registered in its outbox
                  member#<person>   the same membership, for listing an organiser's members
                  api_key#<key>     a key that lets programs in, and the fingerprints of its secrets
                  usage#<day>       what its keys used on a day
plans             organiser#<org>   its plan, month by month, where it ever had another than the free one
month#<month>     organiser#<org>   what its keys used in a month; carries quota_reached in its outbox
                  statement#<org>   its month, closed
                  closed            that every organiser's is
"""

from services.accounts.repository.api_keys import (
    ApiKeyRow,
    add_api_key,
    api_key,
    api_key_names,
    api_keys,
    new_api_key,
    revoke_api_key,
    save_api_key,
)
from services.accounts.repository.attempts import Attempt, begin_attempt, forgive
from services.accounts.repository.identities import (
    IdentityRow,
    LinkedIdentityRow,
    add_person_of_identity,
    link_identity,
    linked_identities,
    linked_identity,
    person_of_identity,
    unlink_identity,
)
from services.accounts.repository.organisers import (
    MemberRow,
    OrganiserRow,
    add_organiser,
    member,
    members,
    members_with_role,
    organiser,
    put_member,
    remove_member,
)
from services.accounts.repository.people import (
    Membership,
    Person,
    add_person,
    person_by_email,
    person_by_id,
    renew_password_hash,
)
from services.accounts.repository.plans import PlanRow, plan, plans, save_plan
from services.accounts.repository.revocations import RevocationRow, mend_feed
from services.accounts.repository.sessions import (
    end_session,
    remembered_session,
    rotate_session,
    session,
    start_session,
)
from services.accounts.repository.usage import (
    UsageDayRow,
    UsageMonthRow,
    add_statement,
    close,
    is_closed,
    metered,
    save_usage,
    statement,
    statements,
    usage_day,
    usage_days,
    usage_month,
    usage_months,
)

__all__ = [
    "ApiKeyRow",
    "Attempt",
    "IdentityRow",
    "LinkedIdentityRow",
    "MemberRow",
    "Membership",
    "OrganiserRow",
    "Person",
    "PlanRow",
    "RevocationRow",
    "UsageDayRow",
    "UsageMonthRow",
    "add_api_key",
    "add_organiser",
    "add_person",
    "add_person_of_identity",
    "add_statement",
    "api_key",
    "api_key_names",
    "api_keys",
    "begin_attempt",
    "close",
    "end_session",
    "forgive",
    "is_closed",
    "link_identity",
    "linked_identities",
    "linked_identity",
    "member",
    "members",
    "members_with_role",
    "mend_feed",
    "metered",
    "new_api_key",
    "organiser",
    "person_by_email",
    "person_by_id",
    "person_of_identity",
    "plan",
    "plans",
    "put_member",
    "remembered_session",
    "remove_member",
    "renew_password_hash",
    "revoke_api_key",
    "rotate_session",
    "save_api_key",
    "save_plan",
    "save_usage",
    "session",
    "start_session",
    "statement",
    "statements",
    "unlink_identity",
    "usage_day",
    "usage_days",
    "usage_month",
    "usage_months",
]
