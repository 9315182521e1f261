// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/validate before it changes traits, such as the address that a recovery goes to.
// Edit the policy and leave the rest, which is that of step-up.jsonnet, where every member is explained.
local policy = {
  min_level: 2,
  on_unmet: 'start',
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
