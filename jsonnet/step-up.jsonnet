// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/validate before it changes a way to sign in: who wants to, and what we ask of them.
// Edit the policy and leave the rest. Every member may go; for a policy of another hook's own, copy this file.
local policy = {
  min_level: 3,  // 1 contact, 2 document, 3 person: the document and the face that belongs to it
  on_unmet: 'start',  // offers the link to a verification; 'block' only says no
  // max_age: '90d',  // how long ago the verification may have been
  // block_statuses: ['rejected', 'review'],  // here instead of BLOCK_LOGIN_STATUSES
};

function(ctx)
  // Whoever acts, as stored: in settings `ctx.identity` is what they want to become. A recovery has no session yet.
  local session = std.get(ctx, 'session');
  local person = if std.isObject(session) then session.identity else ctx.identity;
  local metadata = std.get(person, 'metadata_public');
  local addresses = std.get(person, 'verifiable_addresses');
  {
    identity: {
      id: person.id,
      metadata_public:
        if std.isObject(metadata) && std.objectHas(metadata, 'jumio')
        then { jumio: metadata.jumio }
        else null,
      contact_verified:
        std.isArray(addresses) && std.member([std.get(a, 'verified') for a in addresses if std.isObject(a)], true),
    },
    flow: { id: ctx.flow.id, type: ctx.flow.type },
    policy: policy,
  }
