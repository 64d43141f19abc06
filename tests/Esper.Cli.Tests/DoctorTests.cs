using System.Text.Json;
using Esper.Contracts;
using Esper.Native;

namespace Esper.Cli.Tests;

public sealed class DoctorTests
{
    [Fact]
    public void A_sound_machine_is_ready_and_the_document_has_the_agreed_keys()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("doctor", "--json"));
        JsonElement report = cli.Json;
        string[] keys = [.. report.EnumerateObject().Select(property => property.Name)];
        Assert.Equal(
            [
                "ready", "cpu_model", "cpu_isa", "cores", "libtorch", "blas", "matmul_gflops", "cuda", "native", "kernels", "operators",
                "training_losses", "data", "openblas_environment", "problems",
            ],
            keys);
        Assert.Equal("avx2", report.GetProperty("cpu_isa").GetString());
        Assert.Equal("1.13.1", report.GetProperty("libtorch").GetString());
        Assert.Equal(["scalar", "avx2"], report.GetProperty("kernels").EnumerateArray().Select(kernel => kernel.GetProperty("isa").GetString()!));
        Assert.Equal(0, report.GetProperty("problems").GetArrayLength());
        Assert.Equal("/opt/esper/libesper_host.so", report.GetProperty("native")[1].GetProperty("path").GetString());
    }

    [Fact]
    public void A_library_that_does_not_load_is_one_problem_with_its_fix()
    {
        CliRun cli = new() { Probe = new NoLibrary() };

        Assert.Equal(1, cli.Run("doctor", "--json"));
        JsonElement problem = Assert.Single(cli.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("libesper.so could not be loaded. Tried:\n  /a: no such file", problem.GetProperty("what").GetString());
        Assert.Equal("build it.", problem.GetProperty("fix").GetString());
        Assert.Equal("error", problem.GetProperty("severity").GetString());
        Assert.False(cli.Json.GetProperty("ready").GetBoolean());
        Assert.Equal(JsonValueKind.Null, cli.Json.GetProperty("libtorch").ValueKind);
    }

    [Fact]
    public void A_training_host_that_does_not_load_leaves_the_kernels_examined()
    {
        CliRun cli = new() { Probe = new NoHost() };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("ok  kernels           scalar (error 1.0e-14), avx2 (error 1.0e-14)", cli.Output, StringComparison.Ordinal);
        Assert.Contains("--  libesper_host     not loaded", cli.Output, StringComparison.Ordinal);
        Assert.Contains("error: DllNotFoundException: libtorch.so.1", cli.Output, StringComparison.Ordinal);
        Assert.Contains("  fix: build the native libraries with ./build.sh build", cli.Output, StringComparison.Ordinal);
        Assert.EndsWith("not ready to train\n", cli.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2e-10)]
    [InlineData(double.NaN)]
    public void Kernels_that_differ_from_the_reference_are_an_error_that_names_them(double error)
    {
        CliRun cli = new() { Probe = new WrongKernel(error) };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("error: the avx2 kernels differ from the reference by", cli.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("the scalar kernels differ", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_with_wrong_kernels_can_still_say_so_in_json()
    {
        CliRun cli = new() { Probe = new WrongKernel(double.NaN) };

        Assert.Equal(1, cli.Run("doctor", "--json"));
        Assert.Equal(JsonValueKind.Null, cli.Json.GetProperty("kernels")[1].GetProperty("error").ValueKind);
    }

    [Theory]
    [InlineData("reference", 300, "libtorch runs on the reference BLAS, which is slow by a factor of 50 and more")]
    [InlineData("OpenBLAS", 39, "matrix products run at 39 GFLOP/s on 2 cores; 20 a core is the least to expect")]
    public void A_slow_blas_is_a_warning_with_the_package_that_mends_it(string blas, double gflops, string what)
    {
        CliRun cli = new() { Probe = new SlowMachine(blas, gflops) };

        Assert.Equal(0, cli.Run("doctor", "--json"));
        JsonElement problem = Assert.Single(cli.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("warning", problem.GetProperty("severity").GetString());
        Assert.Equal(what, problem.GetProperty("what").GetString());
        Assert.Contains("./build.sh setup installs libopenblas0-pthread", problem.GetProperty("fix").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Forty_gigaflops_on_two_cores_are_enough()
    {
        CliRun cli = new() { Probe = new SlowMachine("OpenBLAS", 40) };

        Assert.Equal(0, cli.Run("doctor", "--json"));
        Assert.Equal(0, cli.Json.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public void A_training_that_does_not_lower_its_loss_is_an_error()
    {
        CliRun cli = new() { Probe = new Untrainable() };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("error: two steps of a tiny training did not lower its loss: 1, 1.1, 1.2", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_are_there_are_found_and_data_that_are_not_are_an_error()
    {
        CliRun found = new();
        CliRun missing = new();
        CliRun builtIn = new();

        Assert.Equal(0, found.Run("doctor", "--data", "data", "--json"));
        Assert.Equal(1, missing.Run("doctor", "--data", "nowhere", "--json"));
        Assert.Equal(0, builtIn.Run("doctor", "--json"));
        Assert.Equal(["glyphs", "cifar10", "mnist", "text"], Available(found));
        Assert.Equal(["glyphs"], Available(missing));
        Assert.Equal(["glyphs"], Available(builtIn));
        JsonElement problem = Assert.Single(missing.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("no data set can be loaded from nowhere", problem.GetProperty("what").GetString());
    }

    private static IEnumerable<string> Available(CliRun cli) => cli.Json.GetProperty("data").EnumerateArray()
        .Where(set => set.GetProperty("available").GetBoolean()).Select(set => set.GetProperty("name").GetString()!);

    private sealed class NoLibrary : SoundMachine
    {
        public override CpuInfo Cpu() => throw new EsperException("libesper.so could not be loaded. Tried:\n  /a: no such file\nFix: build it.");

        public override string HostInfo() => throw new InvalidOperationException("must not be asked");

        public override double KernelError(CpuIsa isa) => throw new InvalidOperationException("must not be asked");
    }

    private sealed class NoHost : SoundMachine
    {
        public override string HostInfo() => throw new DllNotFoundException("libtorch.so.1");
    }

    private sealed class WrongKernel(double error) : SoundMachine
    {
        public override double KernelError(CpuIsa isa) => isa == CpuIsa.Avx2 ? error : 1e-10;
    }

    private sealed class SlowMachine(string blas, double gflops) : SoundMachine
    {
        public override string HostInfo() => $$"""{"libtorch":"1.13.1","blas":"{{blas}}","cuda_built":false,"cuda_available":false}""";

        public override double MatmulGflops() => gflops;
    }

    private sealed class Untrainable : SoundMachine
    {
        public override IReadOnlyList<double> TrainTwoSteps() => [1.0, 1.1, 1.2];
    }
}
