namespace Esper.Graph;

/// <summary>Patterns over value names: <c>*</c> is any text, <c>?</c> any one character, the rest itself.</summary>
internal static class Glob
{
    public static bool Matches(string pattern, string text)
    {
        int p = 0;
        int t = 0;
        int star = -1;
        int mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                // The last star takes one character more.
                p = star + 1;
                t = ++mark;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).Trim('*').IsEmpty;
    }
}
