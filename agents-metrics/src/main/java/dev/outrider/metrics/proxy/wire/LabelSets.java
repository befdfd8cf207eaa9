package dev.outrider.metrics.proxy.wire;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the number of label sets bounded: first come, first served. The last quarter is kept for
 * sets whose application is {@value #OTHER}, so that databases and users can still be told apart
 * when applications make up a name for every connection. Safe for all threads.
 */
final class LabelSets {
  /** What stands for all that there is no room for. */
  static final String OTHER = "other";

  // As Postgres cuts names, NAMEDATALEN - 1, though in characters.
  private static final int MAX_NAME = 63;

  private record Key(String database, String user, String application) {}

  /** Of sessions that are not let in: anybody could make up their names. */
  final LabelSet unknown = new LabelSet(0, "", "", "");

  private final LabelSet other = new LabelSet(1, OTHER, OTHER, OTHER);
  private final int always;
  private final int most;
  private final Map<Key, LabelSet> sets = new HashMap<>();

  /** With room for so many sets beside the two that are always there. */
  LabelSets(int most) {
    this.most = most;
    // A client may have these very names, and no two sets the same.
    for (LabelSet set : List.of(unknown, other)) {
      sets.put(new Key(set.database(), set.user(), set.application()), set);
    }
    this.always = sets.size();
  }

  /** The set for these names, or the one that stands for it. */
  synchronized LabelSet of(String database, String user, String application) {
    LabelSet exact = find(cut(database), cut(user), cut(application), most - most / 4);
    if (exact != null) {
      return exact;
    }
    LabelSet coarse = find(cut(database), cut(user), OTHER, most);
    return coarse == null ? other : coarse;
  }

  /** Whether a set stands for others as well. */
  static boolean isRest(LabelSet set) {
    return set.application().equals(OTHER);
  }

  private @Nullable LabelSet find(String database, String user, String application, int room) {
    Key key = new Key(database, user, application);
    LabelSet known = sets.get(key);
    if (known == null && sets.size() < always + room) {
      known = new LabelSet(sets.size(), database, user, application);
      sets.put(key, known);
    }
    return known;
  }

  private static String cut(String name) {
    return name.length() <= MAX_NAME ? name : name.substring(0, MAX_NAME);
  }
}
