// SPDX-License-Identifier: Apache-2.0
// A claims mapper for Kratos' session tokenizer: puts the effective assurance level into the session's JWT, as it is
// at the moment of `iat`. See docs/oathkeeper.md. Whatever it cannot read counts as decayed, and it never fails.
//
// How a level decays is the service's to know: it writes the steps into the record, as Unix seconds
// (`assurance.steps`, `reverification.due`), by the ASSURANCE_TABLE of that moment.

// The names of the two lowest levels, for whoever has no other.
local names = ['none', 'contact'];

local claims = std.extVar('claims');
local session = std.extVar('session');

local object(value) = if std.isObject(value) then value else {};
local whole(value) = std.isNumber(value) && std.floor(value) == value && value >= 0;

local identity = object(std.get(object(session), 'identity'));
local jumio = object(std.get(object(std.get(identity, 'metadata_public')), 'jumio'));
local assurance = object(std.get(jumio, 'assurance'));
local reverification = std.get(jumio, 'reverification');

local addresses = std.get(identity, 'verifiable_addresses');
local contact_verified =
  std.isArray(addresses) && std.member([std.get(a, 'verified') for a in addresses if std.isObject(a)], true);

local contact = { level: if contact_verified then 1 else 0, name: names[self.level] };
local recorded = {
  level: if whole(std.get(assurance, 'level')) then assurance.level else 0,
  name: local name = std.get(assurance, 'name'); if std.isString(name) then name,
};
local at_most_contact = { level: std.min(recorded.level, 1), name: names[self.level] };

// A document that expires has a step; a record without any was written before there were steps.
local steps =
  local given = std.get(assurance, 'steps');
  if std.isArray(given) then
    [
      if std.isObject(step) && whole(std.get(step, 'at')) && whole(std.get(step, 'level'))
      then { at: step.at, level: step.level, name: std.get(step, 'name') }
      else at_most_contact { at: 0 }
      for step in given
    ]
  else if std.get(assurance, 'expires_at') != null then [at_most_contact { at: 0 }]
  else [];

// Asked for without a date, it is never overdue.
local overdue =
  if reverification == null then false
  else if !std.isObject(reverification) then true
  else
    local due = std.get(reverification, 'due');
    if due != null then !whole(due) || due <= claims.iat
    else std.get(reverification, 'due_at') != null;

local lower(one, other) = if other.level < one.level then other else one;
local decayed = std.foldl(
  lower,
  [step for step in steps if step.at <= claims.iat] + (if overdue then [at_most_contact] else []),
  recorded
);

local effective =
  if std.get(jumio, 'status') == 'rejected' then { level: 0, name: names[0] }
  else if contact.level > decayed.level then contact
  else decayed;

{
  claims: {
    assurance: {
      level: effective.level,
      name: if effective.level < std.length(names) then names[effective.level] else effective.name,
      verified_at:
        local verified_at = std.get(assurance, 'verified_at');
        if effective.level > 1 && std.isString(verified_at) then verified_at,
    },
  },
}
