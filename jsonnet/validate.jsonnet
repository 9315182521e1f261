// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/validate. Never the whole ctx: it holds the person's session cookie.
// A fresh identity's metadata_public is null, and indexing null fails the login with a 500: hence the guards.
function(ctx)
  local metadata = std.get(ctx.identity, 'metadata_public');
  {
    identity: {
      id: ctx.identity.id,
      metadata_public:
        if std.isObject(metadata) && std.objectHas(metadata, 'jumio')
        then { jumio: metadata.jumio }
        else null,
    },
    flow: { id: ctx.flow.id, type: ctx.flow.type },
  }
