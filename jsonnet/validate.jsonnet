// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/validate. Never the whole ctx: it holds the person's session cookie.
// A fresh identity's metadata_public is null, and indexing null fails the login with a 500: hence the guards.
function(ctx)
  local metadata = std.get(ctx.identity, 'metadata_public');
  local addresses = std.get(ctx.identity, 'verifiable_addresses');
  {
    identity: {
      id: ctx.identity.id,
      metadata_public:
        if std.isObject(metadata) && std.objectHas(metadata, 'jumio')
        then { jumio: metadata.jumio }
        else null,
      contact_verified:
        std.isArray(addresses) && std.member([std.get(a, 'verified') for a in addresses if std.isObject(a)], true),
    },
    flow: { id: ctx.flow.id, type: ctx.flow.type },
  }
