using Esper.Tamiyo;
using Esper.Tamiyo.Decisions;

namespace Esper.Cli;

/// <summary>The program as the process of a policy with a time limit; not for people, and so no command.</summary>
internal static class PolicyHost
{
    private const string Argument = "--policy-host";

    /// <summary>How to start it.</summary>
    public static PolicyLaunch OfThisProgram() =>
        PolicyLaunch.OfProgram(Path.Combine(AppContext.BaseDirectory, "esper.dll"), Argument);

    /// <summary>Whether these arguments ask for it.</summary>
    public static bool IsMeant(string[] args) => args is [Argument];

    /// <summary>Serves until standard input closes.</summary>
    public static int Run() => PolicyWorker.Run(GrowthPolicies.Create);
}
