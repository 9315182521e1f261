// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/validate before a code or a link from a mail gives somebody a session: the statuses
// that stop a sign-in (BLOCK_LOGIN_STATUSES) stop a recovery as well. Every member is explained in step-up.jsonnet.
local policy = {
  on_unmet: 'block',  // not 'start', and never without: whoever reads the mailbox would get the person's link
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
