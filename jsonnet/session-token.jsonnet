// SPDX-License-Identifier: Apache-2.0
// A claims mapper for Kratos' session tokenizer: puts the effective assurance level into the session's JWT, as it is
// at the moment of `iat`. See docs/oathkeeper.md. Whatever it cannot read counts as decayed, and it never fails.

// From ASSURANCE_TABLE, where that is yours: the names, and for each level from 2 on with a max_age its days.
local names = ['none', 'contact', 'document', 'person'];
local max_age_days = {};  // { '3': 365 }

local claims = std.extVar('claims');
local session = std.extVar('session');

local object(value) = if std.isObject(value) then value else {};

// RFC 3339 to Unix seconds, fractions cut off; null for anything else.
local unix(value) =
  local text = if std.isString(value) then value else '';
  local shape = std.join('', [if c >= '0' && c <= '9' then '0' else c for c in std.stringChars(text)]);
  local tail = std.substr(shape, 19, 99);
  local zone = if std.startsWith(tail, '.0') then std.lstripChars(std.substr(tail, 1, 99), '0') else tail;
  local number(from, length) = std.parseInt(std.substr(text, from, length));
  if std.substr(shape, 0, 19) != '0000-00-00T00:00:00' || !(zone == 'Z' || zone == '+00:00' || zone == '-00:00') then null
  else
    // Days since 1970 with years that begin in March: https://howardhinnant.github.io/date_algorithms.html
    local month = number(5, 2), year = number(0, 4) - (if month > 2 then 0 else 1);
    local leap_days = std.floor(year / 4) - std.floor(year / 100) + std.floor(year / 400);
    local day_of_year = std.floor((153 * ((month + 9) % 12) + 2) / 5) + number(8, 2) - 1;
    local seconds = (365 * year + leap_days + day_of_year - 719468) * 86400
                    + number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
    if zone == 'Z' then seconds else
      local end = std.length(text);
      local offset = number(end - 5, 2) * 3600 + number(end - 2, 2) * 60;
      if text[end - 6] == '+' then seconds - offset else seconds + offset;

local has_passed(time, seconds=0) =
  local begin = unix(time);
  begin == null || begin + seconds <= claims.iat;

local identity = object(std.get(object(session), 'identity'));
local jumio = object(std.get(object(std.get(identity, 'metadata_public')), 'jumio'));
local assurance = object(std.get(jumio, 'assurance'));
local verified_at = std.get(assurance, 'verified_at');
local expires_at = std.get(assurance, 'expires_at');
local reverification = std.get(jumio, 'reverification');

local addresses = std.get(identity, 'verifiable_addresses');
local contact_verified =
  std.isArray(addresses) && std.member([std.get(a, 'verified') for a in addresses if std.isObject(a)], true);

local recorded =
  local level = std.get(assurance, 'level');
  if std.isNumber(level) && std.floor(level) == level && level >= 0 then level else 0;

local caps = [
  if expires_at != null && has_passed(expires_at) then 1 else recorded,
  if reverification != null && has_passed(std.get(object(reverification), 'due_at')) then 1 else recorded,
] + [
  if has_passed(verified_at, max_age_days[level] * 86400) then std.parseInt(level) - 1 else recorded
  for level in std.objectFields(max_age_days)
];

local level =
  if std.get(jumio, 'status') == 'rejected' then 0
  else std.max(std.foldl(std.min, caps, recorded), if contact_verified then 1 else 0);

{
  claims: {
    assurance: {
      level: level,
      name:
        local name = std.get(assurance, 'name');
        if level == recorded && level > 1 && std.isString(name) then name
        else if level < std.length(names) then names[level],
      verified_at: if level > 1 && std.isString(verified_at) then verified_at,
    },
  },
}
