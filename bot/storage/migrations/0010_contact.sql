-- Whom a server that is not admitted has to ask, in the operator's words: the setting `about.contact` of the bot that
-- runs. Where it is empty, the owners of the application are named.
ALTER TABLE admission_policy ADD COLUMN contact TEXT NOT NULL DEFAULT '';
