using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Tests.Decisions;

/// <summary>A policy that misbehaves as its script says. The last number of a script is the epoch from which it behaves.</summary>
internal sealed partial class ScriptedPolicy(string script) : IGrowthPolicy
{
    public string Name => "scripted";

    public bool NeedsProbe(SystemState state)
    {
        while (script == "probe-spin" && state.Epoch < 2)
        {
        }

        return false;
    }

    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        string[] words = script.Split(':');
        if (words.Length == 1 || state.Epoch < int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture))
        {
            Misbehave(words[0]);
        }

        // Policies may print; it must not get in the way.
        Console.WriteLine("{\"progress\":\"Answered\"}");
        return [new CullCommand($"pid-{Environment.ProcessId}", Name, new SeedId(0, 0), "because") { Confidence = 0.1 + 0.2 }];
    }

    private static void Misbehave(string how)
    {
        switch (how)
        {
            case "spin":
                while (true)
                {
                }

            case "swallow":
                while (true)
                {
                    try
                    {
                        Thread.Sleep(Timeout.Infinite);
                    }
                    catch (Exception)
                    {
                        // And sleeps on.
                    }
                }

            case "block":
                new ManualResetEvent(initialState: false).WaitOne();
                break;
            case "native":
                Assert.Equal(0, pause());
                break;
            case "crash":
                Process.GetCurrentProcess().Kill();
                break;
            case "exit":
                Environment.Exit(7);
                break;
            case "throw":
                throw new InvalidOperationException("mine");
            default:
                break;
        }
    }

    // Waits for a signal, in the C library: nothing of the runtime can interrupt it.
    [LibraryImport("libc")]
    private static partial int pause();
}
