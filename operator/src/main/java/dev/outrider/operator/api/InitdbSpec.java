package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** What {@code initdb} makes, and the first database in it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.locale) || has(self.localeProvider)",
    message = "locale needs localeProvider: builtin, icu or libc")
@ValidationRule(
    value =
        "!has(self.database) || has(self.owner) || (!(self.database in ['replicator', 'rewind',"
            + " 'public', 'none']) && !self.database.startsWith('pg_'))",
    fieldPath = ".database",
    messageExpression =
        "'the owner would be ' + self.database + ', a role of PostgreSQL or Outrider; name another"
            + " owner'",
    message = "without an owner, database must not be a role of PostgreSQL or Outrider")
public record InitdbSpec(
    @JsonPropertyDescription("Name of the application's database. Default app.")
        @ValidationRule(
            value = "!(self in ['postgres', 'template0', 'template1'])",
            messageExpression = "self + ' exists in every PostgreSQL; choose another name'")
        @Pattern("^[a-z_][a-z0-9_$-]{0,62}$")
        @Nullable String database,
    @JsonPropertyDescription(
            "Role that owns it and whose password is in the Secret NAME-app. Default: as the"
                + " database.")
        @ValidationRule(
            value =
                "!(self in ['postgres', 'replicator', 'rewind', 'public', 'none'])"
                    + " && !self.startsWith('pg_')",
            messageExpression =
                "self + ' is a role of PostgreSQL or Outrider; choose another name'")
        @Pattern("^[a-z_][a-z0-9_$-]{0,62}$")
        @Nullable String owner,
    @JsonPropertyDescription("Default UTF8.") @Pattern("^[A-Za-z0-9_]{2,20}$")
        @Nullable String encoding,
    @JsonPropertyDescription(
            "Where collation comes from. Default builtin, which no upgrade of a C library or ICU"
                + " can corrupt.")
        @Nullable LocaleProvider localeProvider,
    @JsonPropertyDescription(
            "Default C.UTF-8. With builtin: C, C.UTF-8 or (PostgreSQL 18) PG_UNICODE_FAST; with icu:"
                + " a language tag such as de-DE; with libc: C or C.UTF-8, the ones in the image.")
        @Pattern("^[A-Za-z0-9_.@-]{1,40}$")
        @Nullable String locale) {

  /** As {@code initdb --locale-provider}. */
  public enum LocaleProvider {
    builtin,
    icu,
    libc
  }
}
