using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Esper.Tamiyo.Decisions;

/// <summary>The other end of <see cref="PolicyProcess"/>: a process that does nothing but ask a policy.</summary>
public static class PolicyWorker
{
    /// <summary>
    /// Serves requests from standard input until it is closed; then the process ends, also in the middle of a decision, so that a
    /// policy that never returns does not outlive its trainer. What a policy prints goes to standard error.
    /// </summary>
    /// <param name="create">Makes the policy from the options that the trainer sends.</param>
    /// <returns>The exit code.</returns>
    public static int Run(Func<PolicyOptions, IGrowthPolicy> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        using StreamWriter output = new(Console.OpenStandardOutput()) { AutoFlush = true };
        Console.SetOut(Console.Error);

        // Ctrl-C reaches the whole group of processes; the trainer decides what ends when.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        using BlockingCollection<string> lines = [];
        Thread reader = new(() => Read(lines)) { IsBackground = true, Name = "policy requests" };
        reader.Start();

        IGrowthPolicy policy = create(PolicyMessages.Read<PolicyOptions>(lines.Take()));
        output.WriteLine(PolicyMessages.Write(new PolicyReply(PolicyProgress.Ready)));
        foreach (string line in lines.GetConsumingEnumerable())
        {
            PolicyRequest request = PolicyMessages.Read<PolicyRequest>(line);
            output.WriteLine(PolicyMessages.Write(new PolicyReply(PolicyProgress.Asked)));
            output.WriteLine(PolicyMessages.Write(Answer(policy, request)));
        }

        return 0;
    }

    private static PolicyReply Answer(IGrowthPolicy policy, PolicyRequest request)
    {
        try
        {
            return request.Question == PolicyQuestion.NeedsProbe
                ? new PolicyReply(PolicyProgress.Answered, NeedsProbe: policy.NeedsProbe(request.State))
                : new PolicyReply(PolicyProgress.Answered, Commands: [.. policy.Decide(request.State).Select(CommandMessage.Of)]);
        }
        catch (Exception error)
        {
            return new PolicyReply(PolicyProgress.Faulted, Fault: $"{error.GetType().Name}: {error.Message}");
        }
    }

    private static void Read(BlockingCollection<string> lines)
    {
        using StreamReader input = new(Console.OpenStandardInput());
        while (input.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        Environment.Exit(0);
    }
}
