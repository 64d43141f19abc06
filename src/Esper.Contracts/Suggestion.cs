namespace Esper.Contracts;

/// <summary>Finds what a mistyped name was meant to be.</summary>
public static class Suggestion
{
    /// <summary>
    /// The known name with the smallest edit distance (insertions, deletions, replacements; case does not count), the first one
    /// of several; null if it differs in more than a third of its length, at least 2 edits being allowed.
    /// </summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(known);
        string? best = null;
        int bestDistance = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            int allowed = Math.Max(2, Math.Max(word.Length, candidate.Length) / 3);
            if (distance <= allowed && distance < bestDistance)
            {
                best = candidate;
                bestDistance = distance;
            }
        }

        return best;
    }

    /// <summary>
    /// The end of an error message about an unknown name: <c>Did you mean 'cnn3'? Known: cnn3, mlp.</c>, without the question
    /// where nothing is near.
    /// </summary>
    public static string Phrase(string word, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(known);
        string[] names = [.. known];
        string list = names.Length == 0 ? "None are known." : $"Known: {string.Join(", ", names)}.";
        return Nearest(word, names) is { } nearest ? $"Did you mean '{nearest}'? {list}" : list;
    }

    private static int Distance(string left, string right)
    {
        int[] previous = new int[right.Length + 1];
        int[] current = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            previous[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replace = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
