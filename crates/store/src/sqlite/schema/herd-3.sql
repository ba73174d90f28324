-- An account may live at several base URLs, one for each protocol. So far the only protocol was Anthropic's Messages.

UPDATE account
SET profile = json_set(
    json_remove(profile, '$.base_url'),
    '$.bases', json_object('messages', json_extract(profile, '$.base_url')))
WHERE json_extract(profile, '$.base_url') IS NOT NULL;
